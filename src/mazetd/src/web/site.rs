//! Every path of the installed box, and who may see it.

use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use mazet_directory::permission::Action;

use super::routes::{Route, may, member, public};
use super::{account, api, authority, home, machine, people, websites};

/// A list of people pasted into a form, escaped: some thousands of lines.
const LIST_BYTES: usize = 1024 * 1024;

/// The pages that need no session, written once more as what the wall lets through: a route that is
/// added tomorrow is behind it without anybody thinking of it.
pub const EXCEPTIONS: [&str; 12] = [
    "/",
    "/authority/",
    "/authority/mazet.crt",
    "/authority/mazet.mobileconfig",
    "/authority/mazet.pem",
    "/done",
    "/robots.txt",
    "/sign-in",
    "/sign-in/code",
    "/welcome",
    "/reset",
    "/forgotten",
];

/// The table.
pub fn table() -> Vec<Route> {
    let mut routes = doors();
    routes.extend(own());
    routes.extend(management());
    routes.extend(of_websites());
    routes.extend(of_machine());
    routes
}

/// Before anybody is signed in.
fn doors() -> Vec<Route> {
    vec![
        public("/", get(home::show)),
        public("/done", get(home::done)),
        public("/authority/", get(authority::show)),
        public("/authority/mazet.crt", get(authority::der)),
        public("/authority/mazet.mobileconfig", get(authority::profile)),
        public("/authority/mazet.pem", get(authority::pem)),
        public("/sign-in", get(account::sign_in::show).post(account::sign_in::save)),
        public("/sign-in/code", get(account::second::show).post(account::second::save)),
        public("/welcome", get(account::slip::welcome).post(account::slip::welcome_save)),
        public("/reset", get(account::slip::reset).post(account::slip::reset_save)),
        public("/forgotten", get(account::forgotten::show).post(account::forgotten::save)),
    ]
}

/// Everybody's own account.
fn own() -> Vec<Route> {
    vec![
        member("/sign-out", post(account::devices::sign_out)),
        member("/connect", get(account::connect::show)),
        member("/connect/{service}/{file}", get(account::connect::profile)),
        member("/api", get(api::page::show)),
        member("/account", get(account::profile::show).post(account::profile::save)),
        member("/account/password", get(account::change::show).post(account::change::save)),
        member("/account/second-factor", get(account::factor::show).post(account::factor::save)),
        member("/account/applications", get(account::applications::show).post(account::applications::save)),
        member("/account/applications/{id}", post(account::applications::remove)),
        member("/account/devices", get(account::devices::show).post(account::devices::everywhere)),
        member("/account/devices/{id}", post(account::devices::end)),
    ]
}

/// People, groups, organisations, for those who manage them.
fn management() -> Vec<Route> {
    let list = DefaultBodyLimit::max(LIST_BYTES);
    vec![
        may(Action::SeePeople, "/people", get(people::list::show)),
        may(Action::ManagePeople, "/people/new", get(people::new::show).post(people::new::save)),
        may(
            Action::ExchangePeople,
            "/people/import",
            get(people::import::show).post(people::import::save).layer(list),
        ),
        may(Action::ExchangePeople, "/people/export", get(people::export::show)),
        may(Action::SeePeople, "/people/{id}", get(people::person::show).post(people::person::save)),
        may(Action::ManageAccount, "/people/{id}/suspend", post(people::acts::suspend)),
        may(Action::ManageAccount, "/people/{id}/resume", post(people::acts::resume)),
        may(Action::ManageAccount, "/people/{id}/factor", post(people::acts::factor)),
        may(Action::ManageAccount, "/people/{id}/everywhere", post(people::acts::everywhere)),
        may(Action::AppointOperators, "/people/{id}/operator", post(people::acts::operator)),
        may(Action::AppointOperators, "/people/{id}/no-operator", post(people::acts::no_operator)),
        may(Action::ManagePeople, "/people/{id}/join", post(people::acts::join)),
        may(
            Action::ManagePeople,
            "/people/{id}/leave",
            get(people::leaving::show_leave).post(people::leaving::leave),
        ),
        may(
            Action::RemovePeople,
            "/people/{id}/remove",
            get(people::leaving::show_remove).post(people::leaving::remove),
        ),
        may(Action::ManageAccount, "/people/{id}/invite", post(people::acts::invite)),
        may(Action::ManageAccount, "/people/{id}/invite-by-mail", post(people::acts::invite_by_mail)),
        may(Action::ManageAccount, "/people/{id}/reset", post(people::acts::reset)),
        may(Action::ManageGroups, "/groups", get(people::groups::show).post(people::groups::save)),
        may(Action::ManageGroups, "/resources", get(people::resources::show).post(people::resources::save)),
        may(Action::ManageGroups, "/resources/{id}/remove", post(people::resources::remove)),
        may(Action::ManageGroups, "/groups/{id}", get(people::group::show).post(people::group::save)),
        may(Action::ManageOrganisations, "/organisations", get(people::organisations::show)),
        may(
            Action::ManageOrganisations,
            "/organisations/new",
            get(people::organisations::add).post(people::organisations::create),
        ),
        may(
            Action::ManageOrganisations,
            "/organisations/{id}",
            get(people::organisation::show).post(people::organisation::save),
        ),
        may(
            Action::ManageOrganisations,
            "/organisations/{id}/remove",
            get(people::removal::show).post(people::removal::save),
        ),
        may(Action::SeeAudit, "/events", get(people::events::show)),
    ]
}

/// Web sites of associations.
fn of_websites() -> Vec<Route> {
    vec![
        may(Action::EditSite, "/websites", get(websites::list::show)),
        may(Action::EditSite, "/websites/new", get(websites::new::show).post(websites::new::save)),
        may(Action::EditSite, "/websites/{id}", get(websites::one::show).post(websites::one::save)),
        may(Action::EditSite, "/websites/{id}/archive", get(websites::one::fetch)),
    ]
}

/// The machine: how it is, and its settings.
fn of_machine() -> Vec<Route> {
    vec![
        may(Action::SeeMachine, "/machine", get(machine::overview::show)),
        may(
            Action::ChangeMachine,
            "/machine/settings",
            get(machine::settings::show).post(machine::settings::save),
        ),
        may(
            Action::ChangeMachine,
            "/machine/services",
            get(machine::services::show).post(machine::services::save),
        ),
        may(Action::ChangeMachine, "/machine/mail", get(machine::mail::show).post(machine::mail::save)),
        may(Action::ChangeMachine, "/machine/mail/password", post(machine::mail::password)),
        may(Action::ChangeMachine, "/machine/mail/test", post(machine::mail::test)),
        may(Action::ChangeMachine, "/machine/mail/clear", post(machine::mail::clear)),
        may(
            Action::ChangeMachine,
            "/machine/network",
            get(machine::network::show).post(machine::network::save),
        ),
        may(Action::SeeMachine, "/machine/sites", get(machine::sites::show)),
        may(Action::ChangeMachine, "/machine/network/keep", post(machine::network::keep)),
        may(Action::ChangeMachine, "/machine/network/go-back", post(machine::network::go_back)),
        may(Action::ChangeMachine, "/machine/network/seen", post(machine::network::seen)),
        may(Action::ChangeMachine, "/machine/wifi", get(machine::wifi::show).post(machine::wifi::save)),
        may(
            Action::ChangeMachine,
            "/machine/certificates",
            get(machine::certificates::show).post(machine::certificates::save),
        ),
        may(Action::ChangeMachine, "/machine/certificates/order", post(machine::certificates::order)),
        may(Action::ChangeMachine, "/machine/certificates/account", post(machine::certificates::account)),
        may(
            Action::ChangeMachine,
            "/machine/change",
            get(machine::change::show).post(machine::change::order),
        ),
        may(Action::ChangeMachine, "/machine/reports/{service}/{report}", get(machine::report::show)),
        may(Action::ChangeMachine, "/machine/reports/{service}/{report}/act", post(machine::report::act)),
        may(Action::ChangeMachine, "/machine/reports/{service}/{report}/form", post(machine::report::add)),
        may(Action::ChangeMachine, "/machine/{name}", get(machine::choice::show).post(machine::choice::save)),
        may(Action::ChangeMachine, "/machine/{name}/measure", post(machine::choice::measure)),
    ]
}
