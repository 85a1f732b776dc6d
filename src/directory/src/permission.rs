//! What each role may do, and the one place that says no.
//!
//! An operator answers for the machine. The other roles are held in one association each, and reach
//! no further. Whoever has a role in an association is one of its members too.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Actor, Error, OrganisationId, PersonId, Result};

/// A role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Answers for the machine. Counts only in sessions with a second factor.
    Operator,
    /// Looks after the people and quotas of an association.
    Manager,
    /// Writes an association's web site.
    SiteEditor,
    /// Looks after an association's backups.
    BackupKeeper,
    /// Uses what the box offers.
    Member,
}

/// Something that a person may want to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// See how the machine is: health, space, updates.
    SeeMachine,
    /// Change settings, services, network, certificates, updates.
    ChangeMachine,
    /// Add, rename, remove associations; their domains and quotas.
    ManageOrganisations,
    /// Make somebody an operator, or no longer.
    AppointOperators,
    /// See an association's name and domains.
    SeeOrganisation,
    /// See who is in an association, and what each takes.
    SeePeople,
    /// Add people to an association, invite them, take them out.
    ManagePeople,
    /// Change a person's name, let them in again, lock them out, sign them out.
    ManageAccount,
    /// Give and take roles within an association.
    AppointRoles,
    /// Give a person a quota.
    SetQuotas,
    /// Make and fill groups.
    ManageGroups,
    /// Make addresses beside the usual ones.
    ManageAliases,
    /// Take people out as a table, or in.
    ExchangePeople,
    /// Read what was done.
    SeeAudit,
    /// Write the web site.
    EditSite,
    /// See whether backups are well.
    SeeBackups,
    /// Make backups, and bring things back from them.
    KeepBackups,
    /// Files, calendars, mail of one's own; one's profile, devices and password.
    UseOwn,
}

/// How far a role may do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Not at all.
    Nothing,
    /// For oneself.
    Own,
    /// In the association where the role is held; of a person's account: if the person is in one
    /// such association.
    Shared,
    /// In the association where the role is held; of a person's account: if the person is in no other
    /// association and no operator. Who could get into an account would be where it is.
    Within,
    /// Everywhere on the machine.
    Machine,
}

use Action as A;
use Scope::{Machine, Nothing, Own, Shared, Within};

/// Roles, in the order of the columns below.
pub const ROLES: [Role; 5] =
    [Role::Operator, Role::Manager, Role::SiteEditor, Role::BackupKeeper, Role::Member];

/// The table: for each action, the scope of operator, manager, site editor, backup keeper, member.
#[rustfmt::skip]
pub const TABLE: [(Action, [Scope; 5]); 18] = [
    //                         operator  manager   editor    keeper    member
    (A::SeeMachine,          [ Machine,  Nothing,  Nothing,  Nothing,  Nothing ]),
    (A::ChangeMachine,       [ Machine,  Nothing,  Nothing,  Nothing,  Nothing ]),
    (A::ManageOrganisations, [ Machine,  Nothing,  Nothing,  Nothing,  Nothing ]),
    (A::AppointOperators,    [ Machine,  Nothing,  Nothing,  Nothing,  Nothing ]),
    (A::SeeOrganisation,     [ Machine,  Within,   Within,   Within,   Within  ]),
    (A::SeePeople,           [ Machine,  Shared,   Nothing,  Nothing,  Nothing ]),
    (A::ManagePeople,        [ Machine,  Within,   Nothing,  Nothing,  Nothing ]),
    (A::ManageAccount,       [ Machine,  Within,   Nothing,  Nothing,  Nothing ]),
    (A::AppointRoles,        [ Machine,  Within,   Nothing,  Nothing,  Nothing ]),
    (A::SetQuotas,           [ Machine,  Within,   Nothing,  Nothing,  Nothing ]),
    (A::ManageGroups,        [ Machine,  Within,   Nothing,  Nothing,  Nothing ]),
    (A::ManageAliases,       [ Machine,  Within,   Nothing,  Nothing,  Nothing ]),
    (A::ExchangePeople,      [ Machine,  Within,   Nothing,  Nothing,  Nothing ]),
    (A::SeeAudit,            [ Machine,  Within,   Nothing,  Nothing,  Nothing ]),
    (A::EditSite,            [ Machine,  Within,   Within,   Nothing,  Nothing ]),
    (A::SeeBackups,          [ Machine,  Within,   Nothing,  Within,   Nothing ]),
    (A::KeepBackups,         [ Machine,  Nothing,  Nothing,  Within,   Nothing ]),
    (A::UseOwn,              [ Own,      Own,      Own,      Own,      Own     ]),
];

/// What something would be done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The machine as a whole.
    Machine,
    /// An association: its people as a list, its groups, its site.
    Organisation(OrganisationId),
    /// A person's account.
    Account(Account),
}

/// A person's account, as far as permission goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Whose.
    pub person: PersonId,
    /// Associations that the person is in.
    pub organisations: BTreeSet<OrganisationId>,
    /// Is the person an operator?
    pub operator: bool,
}

/// How far `role` may do `action`.
pub fn scope(role: Role, action: Action) -> Scope {
    let column = ROLES.iter().position(|other| *other == role);
    let row = TABLE.iter().find(|(other, _)| *other == action);
    match (row, column) {
        (Some((_, scopes)), Some(column)) => scopes[column],
        _ => Nothing,
    }
}

/// May `actor` do `action` to `target`?
pub fn may(actor: &Actor, action: Action, target: &Target) -> bool {
    if actor.is_system() {
        return true;
    }
    let holds = |role: Role, organisation: &OrganisationId| actor.holds(role, *organisation);
    ROLES.iter().any(|role| match (scope(*role, action), target) {
        (Nothing, _) => false,
        (Machine, _) => *role == Role::Operator && actor.is_operator(),
        (Own, Target::Account(account)) => actor.person() == Some(account.person),
        (Shared | Within, Target::Organisation(organisation)) => holds(*role, organisation),
        (Shared, Target::Account(account)) => account.organisations.iter().any(|one| holds(*role, one)),
        (Within, Target::Account(account)) => {
            !account.operator
                && !account.organisations.is_empty()
                && account.organisations.iter().all(|one| holds(*role, one))
        }
        (Own | Shared | Within, Target::Machine) | (Own, Target::Organisation(_)) => false,
    })
}

/// Lets `actor` do `action` to `target`, or says no.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::NotFound`] where the actor may not even see the target.
pub fn allow(actor: &Actor, action: Action, target: &Target) -> Result<()> {
    if may(actor, action, target) {
        return Ok(());
    }
    let seen = match target {
        Target::Machine => true,
        Target::Organisation(_) => may(actor, Action::SeeOrganisation, target),
        Target::Account(account) => {
            actor.person() == Some(account.person) || may(actor, Action::SeePeople, target)
        }
    };
    Err(if seen { Error::Forbidden } else { Error::NotFound })
}
