//! The menu of who is signed in: the pages of the first level that they may see.

use mazet_directory::permission::Action;
use serde_json::{Value, json};

use super::member::Member;
use super::routes::Access;

/// A page of the menu.
pub struct Entry {
    /// Its name: `nav-<name>` is the id of its link.
    pub name: &'static str,
    /// Its path; a page below it marks the entry too.
    pub path: &'static str,
    /// Catalogue key of its title.
    pub title: &'static str,
    /// Who may see it: as its route says (tests compare the two).
    pub access: Access,
}

const fn entry(name: &'static str, path: &'static str, title: &'static str, access: Access) -> Entry {
    Entry { name, path, title, access }
}

/// The menu, in its order.
pub const ENTRIES: [Entry; 9] = [
    entry("home", "/", "nav.home", Access::Public),
    entry("people", "/people", "nav.people", Access::May(Action::SeePeople)),
    entry("groups", "/groups", "nav.groups", Access::May(Action::ManageGroups)),
    entry("organisations", "/organisations", "nav.organisations", Access::May(Action::ManageOrganisations)),
    entry("websites", "/websites", "nav.websites", Access::May(Action::EditSite)),
    entry("events", "/events", "nav.events", Access::May(Action::SeeAudit)),
    entry("machine", "/machine", "nav.machine", Access::May(Action::SeeMachine)),
    entry("connect", "/connect", "nav.connect", Access::Member),
    entry("account", "/account", "nav.account", Access::Member),
];

/// The menu as the template `navigation` shows it.
pub fn menu(member: &Member) -> Value {
    let here = member.here.split('?').next().unwrap_or_default();
    let below = |path: &str| {
        here == path || path != "/" && here.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'))
    };
    let show = |entry: &Entry| {
        json!({
            "name": entry.name,
            "path": entry.path,
            "title": member.say(entry.title, &[]),
            "current": below(entry.path),
        })
    };
    let entries: Value = ENTRIES.iter().filter(|entry| member.may_see(entry.access)).map(show).collect();
    json!({ "csrf": member.csrf.as_str(), "entries": entries })
}
