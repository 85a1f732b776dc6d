//! Who asks.

use std::collections::{BTreeMap, BTreeSet};

use crate::permission::{self, Action, Target};
use crate::{OrganisationId, PersonId, Role};

/// Who asks for something, with the roles that count now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    who: Who,
    operator: bool,
    held: BTreeMap<OrganisationId, BTreeSet<Role>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Who {
    /// Root on the box's own command line.
    System,
    Person {
        id: PersonId,
        login: String,
    },
}

impl Actor {
    /// Root on the box's own command line: may do everything.
    pub fn system() -> Self {
        Self { who: Who::System, operator: true, held: BTreeMap::new() }
    }

    /// A person with these roles. `operator`: whether that role counts in this session.
    pub fn new(
        id: PersonId,
        login: &str,
        operator: bool,
        held: BTreeMap<OrganisationId, BTreeSet<Role>>,
    ) -> Self {
        Self { who: Who::Person { id, login: login.to_owned() }, operator, held }
    }

    /// Who it is; none: the system itself.
    pub fn person(&self) -> Option<PersonId> {
        match self.who {
            Who::System => None,
            Who::Person { id, .. } => Some(id),
        }
    }

    /// What the audit log calls them.
    pub fn name(&self) -> &str {
        match &self.who {
            Who::System => "root",
            Who::Person { login, .. } => login,
        }
    }

    /// Is it root on the box's own command line?
    pub fn is_system(&self) -> bool {
        self.who == Who::System
    }

    /// Does the operator's role count now?
    pub fn is_operator(&self) -> bool {
        self.operator
    }

    /// Does the actor hold `role` in `organisation`? Every member of it is a [`Role::Member`].
    pub fn holds(&self, role: Role, organisation: OrganisationId) -> bool {
        let Some(roles) = self.held.get(&organisation) else { return false };
        role == Role::Member || roles.contains(&role)
    }

    /// The associations that the actor is in, with the roles held there beside that of a member.
    pub fn organisations(&self) -> &BTreeMap<OrganisationId, BTreeSet<Role>> {
        &self.held
    }

    /// May they? For showing or hiding what leads to an action; the call itself asks again.
    pub fn may(&self, action: Action, target: &Target) -> bool {
        permission::may(self, action, target)
    }
}
