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
        /// As the audit log calls them.
        name: String,
        /// They came with an application password for the API.
        key: bool,
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
        Self { who: Who::Person { id, name: login.to_owned(), key: false }, operator, held }
    }

    /// The same, come with the application password of that name: may do less
    /// ([`permission::BY_HAND`]), and the audit log names it.
    #[must_use]
    pub fn by_key(mut self, password: &str) -> Self {
        if let Who::Person { name, key, .. } = &mut self.who {
            *name = format!("{name} ({password})");
            *key = true;
        }
        self
    }

    /// Did they come with an application password for the API?
    pub fn has_key(&self) -> bool {
        matches!(self.who, Who::Person { key: true, .. })
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
            Who::Person { name, .. } => name,
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
