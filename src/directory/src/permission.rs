//! What each role may do, and the one place that says no.
//!
//! An operator answers for the machine. The other roles are held in one association each, and reach
//! no further. Whoever has a role in an association is one of its members too.
//!
//! An application password made for the JSON API reaches less far than its owner: see [`BY_HAND`].

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Actor, Error, OrganisationId, PersonId, Result};

/// A role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
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
    /// Delete accounts for good.
    RemovePeople,
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
    /// What lets somebody in as oneself: password, second factor, application passwords, the address
    /// that resets go to.
    SecureOwn,
    /// Files, calendars, mail of one's own; one's profile and devices.
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
pub const TABLE: [(Action, [Scope; 5]); 20] = [
    //                         operator  manager   editor    keeper    member
    (A::SeeMachine,          [ Machine,  Nothing,  Nothing,  Nothing,  Nothing ]),
    (A::ChangeMachine,       [ Machine,  Nothing,  Nothing,  Nothing,  Nothing ]),
    (A::ManageOrganisations, [ Machine,  Nothing,  Nothing,  Nothing,  Nothing ]),
    (A::AppointOperators,    [ Machine,  Nothing,  Nothing,  Nothing,  Nothing ]),
    (A::SeeOrganisation,     [ Machine,  Within,   Within,   Within,   Within  ]),
    (A::SeePeople,           [ Machine,  Shared,   Nothing,  Nothing,  Nothing ]),
    (A::ManagePeople,        [ Machine,  Within,   Nothing,  Nothing,  Nothing ]),
    (A::ManageAccount,       [ Machine,  Within,   Nothing,  Nothing,  Nothing ]),
    (A::RemovePeople,        [ Machine,  Nothing,  Nothing,  Nothing,  Nothing ]),
    (A::AppointRoles,        [ Machine,  Within,   Nothing,  Nothing,  Nothing ]),
    (A::SetQuotas,           [ Machine,  Within,   Nothing,  Nothing,  Nothing ]),
    (A::ManageGroups,        [ Machine,  Within,   Nothing,  Nothing,  Nothing ]),
    (A::ManageAliases,       [ Machine,  Within,   Nothing,  Nothing,  Nothing ]),
    (A::ExchangePeople,      [ Machine,  Within,   Nothing,  Nothing,  Nothing ]),
    (A::SeeAudit,            [ Machine,  Within,   Nothing,  Nothing,  Nothing ]),
    (A::EditSite,            [ Machine,  Within,   Within,   Nothing,  Nothing ]),
    (A::SeeBackups,          [ Machine,  Within,   Nothing,  Within,   Nothing ]),
    (A::KeepBackups,         [ Machine,  Nothing,  Nothing,  Within,   Nothing ]),
    (A::SecureOwn,           [ Own,      Own,      Own,      Own,      Own     ]),
    (A::UseOwn,              [ Own,      Own,      Own,      Own,      Own     ]),
];

/// What is done signed in alone, never with an application password: it would carry whoever finds that
/// password further than the password itself reaches.
pub const BY_HAND: [Action; 2] = [A::AppointOperators, A::SecureOwn];
/// What an application password may do with its owner's account, and with that of an operator: who could
/// let themselves into it would need no such password any more.
const HARMLESS: [Action; 3] = [A::SeeOrganisation, A::SeePeople, A::UseOwn];

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
    if actor.has_key() && !within_reach(actor, action, target) {
        return false;
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

/// Does an application password of the actor reach that far?
fn within_reach(actor: &Actor, action: Action, target: &Target) -> bool {
    let delicate = match target {
        Target::Account(account) => account.operator || actor.person() == Some(account.person),
        Target::Machine | Target::Organisation(_) => false,
    };
    !BY_HAND.contains(&action) && (!delicate || HARMLESS.contains(&action))
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const HERE: OrganisationId = OrganisationId(1);
    const ELSEWHERE: OrganisationId = OrganisationId(2);

    /// Somebody with `role` in the first association, or for the machine.
    fn actor(role: Role) -> Actor {
        let roles = if role == Role::Operator { BTreeSet::new() } else { BTreeSet::from([role]) };
        let held = if role == Role::Operator { BTreeMap::new() } else { BTreeMap::from([(HERE, roles)]) };
        Actor::new(PersonId(7), "somebody", role == Role::Operator, held)
    }

    fn account(person: i64, organisations: &[OrganisationId], operator: bool) -> Target {
        let organisations = organisations.iter().copied().collect();
        Target::Account(Account { person: PersonId(person), organisations, operator })
    }

    /// What something may be done to, by the letter that stands for it in the table.
    fn targets() -> [(char, Target); 8] {
        [
            ('M', Target::Machine),
            ('H', Target::Organisation(HERE)),
            ('E', Target::Organisation(ELSEWHERE)),
            ('s', account(7, &[HERE], false)),
            ('h', account(8, &[HERE], false)),
            ('e', account(8, &[ELSEWHERE], false)),
            ('b', account(8, &[HERE, ELSEWHERE], false)),
            ('o', account(8, &[HERE], true)),
        ]
    }

    /// What each of the actors may do, an action a line. M: the machine; H, E: the actor's association, another
    /// one; s: the actor's own account; h, e, b: the account of somebody here, elsewhere, in both; o: that of
    /// an operator who is here.
    fn drawn(actors: &[Actor]) -> String {
        let mut table = String::new();
        for (action, _) in TABLE {
            let mut line = format!("{:<20}", format!("{action:?}"));
            for actor in actors {
                let may =
                    targets().map(|(letter, target)| if may(actor, action, &target) { letter } else { '·' });
                line.push_str(&format!(" {}", may.iter().collect::<String>()));
            }
            table.push_str(line.trim_end());
            table.push('\n');
        }
        table
    }

    #[test]
    fn every_role_may_do_what_the_table_says_and_nothing_else() {
        insta::assert_snapshot!(drawn(&ROLES.map(actor)), @r"
        SeeMachine           MHEshebo ········ ········ ········ ········
        ChangeMachine        MHEshebo ········ ········ ········ ········
        ManageOrganisations  MHEshebo ········ ········ ········ ········
        AppointOperators     MHEshebo ········ ········ ········ ········
        SeeOrganisation      MHEshebo ·H·sh··· ·H·sh··· ·H·sh··· ·H·sh···
        SeePeople            MHEshebo ·H·sh·bo ········ ········ ········
        ManagePeople         MHEshebo ·H·sh··· ········ ········ ········
        ManageAccount        MHEshebo ·H·sh··· ········ ········ ········
        RemovePeople         MHEshebo ········ ········ ········ ········
        AppointRoles         MHEshebo ·H·sh··· ········ ········ ········
        SetQuotas            MHEshebo ·H·sh··· ········ ········ ········
        ManageGroups         MHEshebo ·H·sh··· ········ ········ ········
        ManageAliases        MHEshebo ·H·sh··· ········ ········ ········
        ExchangePeople       MHEshebo ·H·sh··· ········ ········ ········
        SeeAudit             MHEshebo ·H·sh··· ········ ········ ········
        EditSite             MHEshebo ·H·sh··· ·H·sh··· ········ ········
        SeeBackups           MHEshebo ·H·sh··· ········ ·H·sh··· ········
        KeepBackups          MHEshebo ········ ········ ·H·sh··· ········
        SecureOwn            ···s···· ···s···· ···s···· ···s···· ···s····
        UseOwn               ···s···· ···s···· ···s···· ···s···· ···s····
        ");
    }

    #[test]
    fn an_application_password_reaches_less_far() {
        let keyed = [Role::Operator, Role::Manager, Role::Member].map(|role| actor(role).by_key("a script"));
        insta::assert_snapshot!(drawn(&keyed), @r"
        SeeMachine           MHE·heb· ········ ········
        ChangeMachine        MHE·heb· ········ ········
        ManageOrganisations  MHE·heb· ········ ········
        AppointOperators     ········ ········ ········
        SeeOrganisation      MHEshebo ·H·sh··· ·H·sh···
        SeePeople            MHEshebo ·H·sh·bo ········
        ManagePeople         MHE·heb· ·H··h··· ········
        ManageAccount        MHE·heb· ·H··h··· ········
        RemovePeople         MHE·heb· ········ ········
        AppointRoles         MHE·heb· ·H··h··· ········
        SetQuotas            MHE·heb· ·H··h··· ········
        ManageGroups         MHE·heb· ·H··h··· ········
        ManageAliases        MHE·heb· ·H··h··· ········
        ExchangePeople       MHE·heb· ·H··h··· ········
        SeeAudit             MHE·heb· ·H··h··· ········
        EditSite             MHE·heb· ·H··h··· ········
        SeeBackups           MHE·heb· ·H··h··· ········
        KeepBackups          MHE·heb· ········ ········
        SecureOwn            ········ ········ ········
        UseOwn               ···s···· ···s···· ···s····
        ");
    }

    #[test]
    fn every_action_stands_in_the_table_once() {
        let actions: BTreeSet<Action> = TABLE.iter().map(|(action, _)| *action).collect();
        assert_eq!(actions.len(), TABLE.len());
        // The last action has as many before it as there are others.
        assert_eq!(Action::UseOwn as usize + 1, TABLE.len());
    }

    #[test]
    fn a_role_does_not_count_without_its_conditions() {
        let weak = Actor::new(PersonId(7), "ada", false, BTreeMap::new());
        assert!(!may(&weak, Action::SeeMachine, &Target::Machine));
        assert!(may(&Actor::system(), Action::AppointOperators, &Target::Machine));
        // An account in no association is nobody's but the operators'.
        assert!(!may(&actor(Role::Manager), Action::ManageAccount, &account(8, &[], false)));
        assert!(may(&actor(Role::Operator), Action::ManageAccount, &account(8, &[], false)));
    }

    #[test]
    fn what_may_not_be_seen_is_not_there() {
        let manager = actor(Role::Manager);
        let no = |action, target: &Target| format!("{:?}", allow(&manager, action, target).expect_err("no"));
        assert_eq!(no(Action::ManagePeople, &Target::Organisation(ELSEWHERE)), "NotFound");
        assert_eq!(no(Action::ManageAccount, &account(8, &[ELSEWHERE], false)), "NotFound");
        assert_eq!(no(Action::ManageAccount, &account(8, &[HERE, ELSEWHERE], false)), "Forbidden");
        assert_eq!(no(Action::ManageAccount, &account(8, &[HERE], true)), "Forbidden");
        assert_eq!(no(Action::KeepBackups, &Target::Organisation(HERE)), "Forbidden");
    }
}
