//! Every operation of the API. A line here is all that another one needs: its handler's types say what it
//! reads and gives, the catalogue (`operation.<name>`) says what it does, and from both come the OpenAPI
//! description, the page `/api`, and the tests of every role.

use axum::routing::MethodFilter as M;
use mazet_directory::permission::Action as A;
use serde_json::json;

use super::operation::{Operation, operation};
use super::{
    account, certificates, choice, describe, events, groups, leaving, machine, mail, network, organisations,
    people, reports, resources, websites,
};
use crate::web::routes::Access;

/// A table of people: as on the pages, some thousands of lines.
const LIST_BYTES: usize = 1024 * 1024;

/// A path of the API.
macro_rules! at {
    ($method:ident $path:literal) => {
        (M::$method, concat!("/api/v1", $path))
    };
}

/// All of them.
pub fn all() -> Vec<Operation> {
    let mut all = of_account();
    all.extend(of_people());
    all.extend(of_organisations());
    all.extend(of_machine());
    all.extend(of_mail());
    all.extend(of_reports());
    all.extend(of_network());
    all.extend(of_certificates());
    all.extend(of_websites());
    all
}

/// Everybody's own.
fn of_account() -> Vec<Operation> {
    let own = Access::Member;
    let password = json!({ "current": "…", "password": "…" });
    vec![
        operation(at!(GET "/openapi.json"), own, "openapi", describe::show),
        operation(at!(GET "/services"), own, "offers", account::offers),
        operation(at!(GET "/account"), own, "account.get", account::get),
        operation(at!(PATCH "/account"), own, "account.change", account::change)
            .example(json!({ "name": "Ada Lovelace", "language": "fr" })),
        operation(at!(POST "/account/password"), own, "account.password", account::password)
            .example(password),
        operation(at!(GET "/account/devices"), own, "devices.list", account::devices),
        operation(at!(DELETE "/account/devices"), own, "devices.end_all", account::end_devices),
        operation(at!(DELETE "/account/devices/{id}"), own, "devices.end", account::end_device),
        operation(at!(GET "/account/applications"), own, "applications.list", account::applications),
        operation(at!(POST "/account/applications"), own, "applications.add", account::add_application)
            .example(json!({ "name": "Newsletter", "api": true })),
        operation(
            at!(DELETE "/account/applications/{id}"),
            own,
            "applications.remove",
            account::remove_application,
        ),
        operation(at!(GET "/account/second-factor"), own, "factor.get", account::factor),
        operation(at!(POST "/account/second-factor"), own, "factor.offer", account::offer_factor),
        operation(at!(POST "/account/second-factor/stop"), own, "factor.stop", account::stop_factor)
            .example(json!({ "password": "a long sentence of mine", "code": "123456" })),
        operation(at!(POST "/account/second-factor/confirm"), own, "factor.confirm", account::confirm_factor)
            .example(json!({ "code": "123456" })),
        operation(at!(POST "/account/second-factor/codes"), own, "factor.codes", account::renew_codes),
    ]
}

/// People and groups, for those who manage them.
fn of_people() -> Vec<Operation> {
    let (see, manage) = (Access::May(A::SeePeople), Access::May(A::ManagePeople));
    let (care, exchange) = (Access::May(A::ManageAccount), Access::May(A::ExchangePeople));
    let (appoint, groups) = (Access::May(A::AppointOperators), Access::May(A::ManageGroups));
    let new = json!({
        "organisation": 1,
        "login": "zoe",
        "name": "Zoé Martin",
        "contact": "zoe@example.org",
        "language": "fr",
        "roles": ["manager"],
    });
    let change = json!({
        "name": "Zoé Martin-Durand",
        "quota_bytes": null,
        "roles": [{ "organisation": 1, "roles": ["site-editor"] }],
        "aliases": ["contact@example.org"],
    });
    let table = json!("name,login,contact\nZoé Martin,zoe,zoe@example.org\n");
    vec![
        operation(at!(GET "/people"), see, "people.list", people::list),
        operation(at!(POST "/people"), manage, "people.add", people::add).example(new),
        operation(at!(GET "/people/export"), exchange, "people.export", people::export),
        operation(at!(POST "/people/import"), exchange, "people.import", people::import)
            .example(table.clone())
            .up_to(LIST_BYTES),
        operation(at!(POST "/people/import/preview"), exchange, "people.preview", people::preview)
            .example(table)
            .up_to(LIST_BYTES),
        operation(at!(GET "/people/{id}"), see, "people.get", people::get),
        operation(at!(PATCH "/people/{id}"), see, "people.change", people::change).example(change),
        operation(at!(POST "/people/{id}/invitation"), care, "people.invite", people::invite),
        operation(
            at!(POST "/people/{id}/invitation/mail"),
            care,
            "people.invite_by_mail",
            people::invite_by_mail,
        ),
        operation(at!(POST "/people/{id}/reset"), care, "people.reset", people::reset),
        operation(at!(POST "/people/{id}/suspend"), care, "people.suspend", people::suspend),
        operation(at!(POST "/people/{id}/resume"), care, "people.resume", people::resume),
        operation(at!(POST "/people/{id}/sign-out"), care, "people.sign_out", people::sign_out),
        operation(at!(DELETE "/people/{id}/second-factor"), care, "people.factor", people::forget_factor),
        operation(at!(POST "/people/{id}/memberships"), manage, "people.join", people::join)
            .example(json!({ "organisation": 2 })),
        operation(at!(POST "/people/{id}/leave"), manage, "people.leave", leaving::leave)
            .example(json!({ "organisation": 1 })),
        operation(
            at!(POST "/people/{id}/remove"),
            Access::May(A::RemovePeople),
            "people.remove",
            leaving::remove,
        )
        .example(json!({ "login": "zoe" })),
        operation(at!(PUT "/people/{id}/operator"), appoint, "people.appoint", people::appoint),
        operation(at!(DELETE "/people/{id}/operator"), appoint, "people.dismiss", people::dismiss),
        operation(at!(GET "/groups"), groups, "groups.list", groups::list),
        operation(at!(POST "/groups"), groups, "groups.add", groups::add)
            .example(json!({ "organisation": 1, "name": "Bureau" })),
        operation(at!(GET "/groups/{id}"), groups, "groups.get", groups::get),
        operation(at!(PUT "/groups/{id}"), groups, "groups.change", groups::change)
            .example(json!({ "name": "Bureau", "members": [1, 2] })),
        operation(at!(DELETE "/groups/{id}"), groups, "groups.remove", groups::remove),
        operation(at!(GET "/resources"), groups, "resources.list", resources::list),
        operation(at!(POST "/resources"), groups, "resources.add", resources::add)
            .example(json!({ "organisation": 1, "name": "Grande salle", "kind": "room" })),
        operation(at!(DELETE "/resources/{id}"), groups, "resources.remove", resources::remove),
    ]
}

/// The organisations, and what was done.
fn of_organisations() -> Vec<Operation> {
    let manage = Access::May(A::ManageOrganisations);
    let wish = json!({ "name": "Les Randonneurs", "domains": ["rando.example.org"], "quota_bytes": null });
    vec![
        operation(at!(GET "/organisations"), Access::Member, "organisations.list", organisations::list),
        operation(at!(POST "/organisations"), manage, "organisations.add", organisations::add)
            .example(wish.clone()),
        operation(at!(GET "/organisations/{id}"), Access::Member, "organisations.get", organisations::get),
        operation(at!(PUT "/organisations/{id}"), manage, "organisations.change", organisations::change)
            .example(wish),
        operation(
            at!(GET "/organisations/{id}/remove"),
            manage,
            "organisations.consequences",
            leaving::consequences,
        ),
        operation(
            at!(POST "/organisations/{id}/remove"),
            manage,
            "organisations.remove",
            leaving::remove_organisation,
        )
        .example(json!({ "name": "Les Randonneurs", "people": true })),
        operation(at!(GET "/events"), Access::May(A::SeeAudit), "events.list", events::list),
    ]
}

/// The machine.
fn of_machine() -> Vec<Operation> {
    let (see, change) = (Access::May(A::SeeMachine), Access::May(A::ChangeMachine));
    let settings = serde_json::to_value(mazet_model::settings::Settings::live()).unwrap_or_default();
    let services = json!({ "services": { "chat": false }, "alternatives": { "web-server": "apache" } });
    vec![
        operation(at!(GET "/machine"), see, "machine.get", machine::overview),
        operation(at!(GET "/machine/health"), see, "machine.health", machine::health),
        operation(at!(GET "/machine/updates"), see, "machine.updates", machine::updates),
        operation(at!(GET "/machine/sites"), see, "machine.sites", machine::sites),
        operation(at!(GET "/machine/settings"), change, "settings.get", machine::settings),
        operation(at!(PUT "/machine/settings"), change, "settings.change", machine::change)
            .example(json!({ "settings": settings, "seen": "1".repeat(64) })),
        operation(at!(POST "/machine/settings/preview"), change, "settings.preview", machine::preview)
            .example(json!({ "settings": settings })),
        operation(at!(GET "/machine/change"), change, "settings.last", machine::last),
        operation(at!(GET "/machine/services"), change, "services.list", machine::services),
        operation(at!(PUT "/machine/services"), change, "services.change", machine::switch)
            .example(services.clone()),
        operation(
            at!(POST "/machine/services/preview"),
            change,
            "services.preview",
            machine::preview_services,
        )
        .example(services),
        operation(at!(GET "/machine/comparisons"), change, "comparisons.list", choice::list),
        operation(at!(POST "/machine/comparisons/measure"), change, "comparisons.measure", choice::measure),
    ]
}

/// The mail relay, and the box's messages.
fn of_mail() -> Vec<Operation> {
    let change = Access::May(A::ChangeMachine);
    let relay = json!({ "relay": {
        "host": "smtp.example.org",
        "port": 465,
        "security": "tls",
        "user": "box@example.org",
        "sender": "box@example.org",
    } });
    vec![
        operation(at!(GET "/machine/mail"), change, "mail.get", mail::get),
        operation(at!(PUT "/machine/mail"), change, "mail.change", mail::change).example(relay.clone()),
        operation(at!(POST "/machine/mail/preview"), change, "mail.preview", mail::preview).example(relay),
        operation(at!(PUT "/machine/mail/password"), change, "mail.password", mail::password)
            .example(json!({ "password": "…" })),
        operation(at!(GET "/machine/mail/messages"), change, "mail.messages", mail::messages),
        operation(at!(POST "/machine/mail/test"), change, "mail.test", mail::test),
        operation(at!(POST "/machine/mail/clear"), change, "mail.clear", mail::clear),
    ]
}

/// The box's name, the cable and the Wi-Fi.
fn of_network() -> Vec<Operation> {
    let change = Access::May(A::ChangeMachine);
    let fixed = json!({ "network": {
        "method": "static",
        "address": "192.168.1.10/24",
        "gateway": "192.168.1.1",
        "dns": ["192.168.1.1"],
    } });
    let wifi = json!({ "ssid": "Les Amis", "passphrase": "tramontane 71", "country": "FR" });
    vec![
        operation(at!(GET "/machine/network"), change, "network.get", network::get),
        operation(at!(PUT "/machine/network"), change, "network.change", network::change)
            .example(fixed.clone()),
        operation(at!(POST "/machine/network/preview"), change, "network.preview", network::preview)
            .example(fixed),
        operation(at!(POST "/machine/network/keep"), change, "network.keep", network::keep),
        operation(at!(POST "/machine/network/go-back"), change, "network.go_back", network::go_back),
        operation(at!(POST "/machine/network/seen"), change, "network.seen", network::seen),
        operation(at!(GET "/machine/wifi"), change, "wifi.get", network::wifi),
        operation(at!(PUT "/machine/wifi"), change, "wifi.change", network::change_wifi)
            .example(wifi.clone()),
        operation(at!(POST "/machine/wifi/preview"), change, "wifi.preview", network::preview_wifi)
            .example(wifi),
    ]
}

/// Pages of services.
fn of_reports() -> Vec<Operation> {
    let change = Access::May(A::ChangeMachine);
    let act = json!({ "service": "chat", "report": "rooms", "act": "close", "row": "garden" });
    let form = json!({ "service": "chat", "report": "rooms", "values": { "password": "…" } });
    vec![
        operation(at!(GET "/machine/reports"), change, "reports.list", reports::list),
        operation(at!(GET "/machine/report"), change, "reports.get", reports::get),
        operation(at!(POST "/machine/report/act"), change, "reports.act", reports::act).example(act),
        operation(at!(POST "/machine/report/form"), change, "reports.add", reports::add).example(form),
    ]
}

/// The box's certificates.
fn of_certificates() -> Vec<Operation> {
    let change = Access::May(A::ChangeMachine);
    let wish = json!({ "certificates": {
        "mode": "acme-http",
        "domains": ["amis.example.org"],
        "email": "box@example.org",
    } });
    let account = json!({ "provider": "somebody", "values": { "SOMEBODY_TOKEN": "…" } });
    vec![
        operation(at!(GET "/machine/certificates"), change, "certificates.get", certificates::get),
        operation(at!(PUT "/machine/certificates"), change, "certificates.change", certificates::change)
            .example(wish.clone()),
        operation(
            at!(POST "/machine/certificates/preview"),
            change,
            "certificates.preview",
            certificates::preview,
        )
        .example(wish),
        operation(at!(POST "/machine/certificates/order"), change, "certificates.order", certificates::order),
        operation(
            at!(PUT "/machine/certificates/account"),
            change,
            "certificates.account",
            certificates::account,
        )
        .example(account),
    ]
}

/// Web sites.
fn of_websites() -> Vec<Operation> {
    let edit = Access::May(A::EditSite);
    let new = json!({
        "name": "amis",
        "kind": "spip",
        "organisation": 1,
        "domain": "amis.example.org",
    });
    let archive = json!({ "archive": 1_790_000_000 });
    vec![
        operation(at!(GET "/websites"), edit, "websites.list", websites::list),
        operation(at!(POST "/websites"), edit, "websites.add", websites::add).example(new),
        operation(at!(GET "/websites/{id}"), edit, "websites.get", websites::get),
        operation(at!(POST "/websites/{id}/remove"), edit, "websites.remove", websites::remove)
            .example(json!({ "name": "amis" })),
        operation(at!(GET "/websites/{id}/archives"), edit, "websites.fetch", websites::fetch),
        operation(at!(POST "/websites/{id}/archives"), edit, "websites.back_up", websites::back_up),
        operation(at!(POST "/websites/{id}/archives/remove"), edit, "websites.forget", websites::forget)
            .example(archive.clone()),
        operation(at!(POST "/websites/{id}/restore"), edit, "websites.restore", websites::restore)
            .example(archive),
    ]
}
