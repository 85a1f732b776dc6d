//! The machine's pages: nothing changes before it was shown and confirmed.

use super::installed::{Installed, Visitor, between};
use super::*;
use crate::certificates::Account;
use crate::change::Last;
use crate::health::Finding;
use crate::measure::desk::Standing;
use crate::measure::{Figures, Measured, Report, Task};
use crate::protocol::{Heard, Network};
use crate::trial::{Lapsed, Pending};
use crate::updates::{Updates, Waiting};

/// The form of the network, as the page shows it at first, with another name of the box.
fn form(name: &str) -> [(&str, &str); 5] {
    [("box_name", name), ("method", "automatic"), ("address", ""), ("gateway", ""), ("dns", "")]
}

async fn propose(ada: &mut Visitor, fields: &[(&str, &str)]) -> Answer {
    ada.fill("/machine/network", "/machine/network", fields).await
}

/// The form of the settings.
async fn configure(ada: &mut Visitor, keys: &str, more: &[(&str, &str)]) -> Answer {
    let fields =
        [("organisation", "Les Amis"), ("language", "fr"), ("timezone", "Europe/Paris"), ("keys", keys)];
    ada.fill("/machine/settings", "/machine/settings", &[&fields[..], more].concat()).await
}

/// The form that a preview carries.
fn wish(preview: &Answer) -> [(&'static str, String); 3] {
    let value = |name: &str| {
        between(&preview.body, &format!("name=\"{name}\" value=\""), "\"").replace("&quot;", "\"")
    };
    [("csrf", value("csrf")), ("wished", value("wished")), ("seen", value("seen"))]
}

pub async fn confirm(ada: &mut Visitor, preview: &Answer) -> Answer {
    let wish = wish(preview);
    let fields = wish.each_ref().map(|(name, value)| (*name, value.as_str()));
    ada.send("/machine/change", &fields).await
}

#[tokio::test]
async fn a_setting_changes_after_it_was_shown_and_confirmed() {
    let Some(site) = Installed::start().await else { return };
    let mut ada = site.operator().await;
    let name = || site.broker.state().settings.settings.machine.name.clone();
    let preview = propose(&mut ada, &form("garrigue")).await;
    assert_eq!(preview.status, StatusCode::OK, "{}", preview.body);
    let shown = between(&preview.body, "id=\"changed-settings\">", "</dl>");
    assert!(shown.contains("Name of the box") && shown.contains("<ins>garrigue</ins>"), "{shown}");
    assert_eq!(name(), "mazet", "nothing was confirmed yet");
    let ordered = confirm(&mut ada, &preview).await;
    assert_eq!(ordered.leads_to(), "/machine/change");
    assert_eq!(name(), "garrigue");
    assert!(ada.get("/machine/change").await.body.contains("id=\"done\""));
}

#[tokio::test]
async fn settings_that_others_changed_meanwhile_are_shown_again() {
    let Some(site) = Installed::start().await else { return };
    let mut ada = site.operator().await;
    let preview = propose(&mut ada, &form("garrigue")).await;
    site.broker.state().settings.version = "2".repeat(64);
    let answer = confirm(&mut ada, &preview).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.body.contains("The settings were changed meanwhile"), "{}", answer.body);
    assert!(!answer.body.contains("id=\"done\""), "{}", answer.body);
}

#[tokio::test]
async fn what_a_person_can_mend_is_told_at_its_field() {
    let Some(site) = Installed::start().await else { return };
    let mut ada = site.operator().await;
    let answer = configure(&mut ada, "no key", &[]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.body.contains("id=\"keys-fault\""), "{}", answer.body);
    assert!(answer.body.contains("no key</textarea>"), "what was typed stays");
    let answer = configure(&mut ada, "", &[("ssh", "on")]).await;
    assert!(answer.body.contains("Without a key nobody could log in"), "{}", answer.body);
    let mut wrong = form("La Garrigue");
    (wrong[1].1, wrong[2].1, wrong[3].1) = ("fixed", "192.168.1.10", "router");
    let answer = propose(&mut ada, &wrong).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    for field in ["box_name", "address", "gateway", "dns"] {
        assert!(answer.body.contains(&format!("id=\"{field}-fault\"")), "{field}: {}", answer.body);
    }
    assert!(answer.body.contains("value=\"router\""), "what was typed stays");
}

#[tokio::test]
async fn the_network_is_shown_and_a_fixed_address_must_be_confirmed() {
    let Some(site) = Installed::start().await else { return };
    let mut ada = site.operator().await;
    let page = ada.get("/machine/network").await.body;
    for part in
        ["192.168.1.20/24", "2001:db8::5/64", "Not connected.", "value=\"192.168.1.20/24\"", "id=\"to-wifi\""]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    let mut fixed = form("mazet");
    (fixed[1].1, fixed[2].1, fixed[3].1, fixed[4].1) =
        ("fixed", "192.168.1.10/24", "192.168.1.1", "192.168.1.1, 9.9.9.9");
    let preview = propose(&mut ada, &fixed).await;
    let notices = between(&preview.body, "id=\"notices\">", "</div>");
    assert!(
        notices.contains("https://192.168.1.10/machine/network") && notices.contains("5 minutes"),
        "{notices}"
    );
    assert_eq!(confirm(&mut ada, &preview).await.leads_to(), "/machine/change");
    assert_eq!(site.broker.state().settings.settings.network.dns, ["192.168.1.1", "9.9.9.9"]);
    site.broker.state().trial.pending =
        Some(Pending { hosts: vec!["192.168.1.10".to_owned()], going_back: false });
    site.broker.state().last.running = true;
    for path in ["/machine/change", "/machine/network", "/machine"] {
        let page = ada.get(path).await.body;
        assert!(
            page.contains("id=\"trial\"") && !page.contains("id=\"keep\""),
            "not taken up yet: {path}: {page}"
        );
    }
    site.broker.state().last.running = false;
    for path in ["/machine/change", "/machine/network", "/machine"] {
        let page = ada.get(path).await.body;
        assert!(
            page.contains("id=\"keep\"") && page.contains("https://192.168.1.10/machine/network"),
            "{path}: {page}"
        );
    }
    let back = ada.fill("/machine/network", "/machine/network/go-back", &[]).await;
    assert_eq!(back.leads_to(), "/machine/network?said=network.go_back_ordered");
    let page = ada.get("/machine/network").await.body;
    assert!(page.contains("is going back to the earlier network") && !page.contains("id=\"keep\""), "{page}");
    let kept = ada.fill("/machine/network", "/machine/network/keep", &[]).await;
    assert_eq!(kept.leads_to(), "/machine/network?said=network.kept");
    let late = ada.fill("/machine/network", "/machine/network/keep", &[]).await;
    assert!(late.body.contains("already gone back"), "{}", late.body);
}

#[tokio::test]
async fn a_network_that_went_back_is_told_until_it_was_read() {
    let Some(site) = Installed::start().await else { return };
    let mut ada = site.operator().await;
    site.broker.state().trial.lapsed =
        Some(Lapsed { at: 1_790_000_000, hosts: vec!["192.168.1.10".to_owned()] });
    assert!(ada.get("/machine").await.body.contains("went back to the earlier network settings"));
    let seen = ada.fill("/machine/network", "/machine/network/seen", &[]).await;
    assert_eq!(seen.leads_to(), "/machine/network?said=network.seen");
    assert!(!ada.get("/machine").await.body.contains("went back"));
}

#[tokio::test]
async fn a_wifi_is_chosen_and_its_password_goes_to_the_broker_alone() {
    let Some(site) = Installed::start().await else { return };
    let mut ada = site.operator().await;
    let network = |ssid: &str, signal, secured| Network { ssid: ssid.to_owned(), signal, secured };
    site.broker.state().heard = Heard { networks: vec![network("Les <Amis>", -50, true)] };
    let answer = ada
        .fill("/machine/wifi", "/machine/wifi", &[("network", "name:Les <Amis>"), ("country", "fr")])
        .await;
    assert!(answer.body.contains("id=\"passphrase-fault\""), "{}", answer.body);
    let fields = [("network", "name:Les <Amis>"), ("passphrase", "tramontane 71"), ("country", "fr")];
    let preview = ada.fill("/machine/wifi", "/machine/wifi", &fields).await;
    assert_eq!(preview.status, StatusCode::OK, "{}", preview.body);
    assert!(
        preview.body.contains("id=\"notices\"") && !preview.body.contains("tramontane"),
        "{}",
        preview.body
    );
    assert_eq!(site.broker.state().passwords, ["tramontane 71"]);
    assert_eq!(confirm(&mut ada, &preview).await.leads_to(), "/machine/change");
    assert_eq!(site.broker.state().settings.settings.wifi.country.as_deref(), Some("FR"));
}

#[tokio::test]
async fn a_service_is_switched_off_and_an_alternative_chosen() {
    let Some(site) = Installed::start().await else { return };
    let mut ada = site.operator().await;
    let fields = [("choice-web-server", "two")];
    let preview = ada.fill("/machine/services", "/machine/services", &fields).await;
    assert_eq!(confirm(&mut ada, &preview).await.leads_to(), "/machine/change");
    let settings = site.broker.state().settings.settings.clone();
    assert_eq!(settings.disabled_services, ["chat"]);
    assert_eq!(settings.alternatives["web-server"], "two");
    let page = ada.get("/machine/services").await.body;
    assert!(
        page.contains("id=\"service-two\" type=\"radio\" name=\"choice-web-server\" value=\"two\" checked")
    );
}

#[tokio::test]
async fn a_change_under_way_and_one_that_failed_are_told() {
    let Some(site) = Installed::start().await else { return };
    let mut ada = site.operator().await;
    site.broker.state().last = Last { running: true, ..Last::default() };
    let page = ada.get("/machine/change").await.body;
    assert!(page.contains("data-wait=\"/machine/change\"") && page.contains("http-equiv=\"refresh\""));
    let error = "one.service would not start".to_owned();
    site.broker.state().last = Last { error: Some(error.clone()), ..Last::default() };
    let page = ada.get("/machine/change").await.body;
    assert!(page.contains("The earlier settings are back") && page.contains(&error), "{page}");
}

#[tokio::test]
async fn the_overview_says_how_the_machine_is() {
    let Some(site) = Installed::start().await else { return };
    let mut ada = site.operator().await;
    let page = ada.get("/machine").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert!(page.body.contains("All is well.") && page.body.contains("https://mazet.local/"));
    assert!(
        page.body.contains("id=\"last-events\"") && page.body.contains("Being looked for"),
        "{}",
        page.body
    );
    site.broker.state().updates.waiting = Some(Waiting { packages: 0, security: 0 });
    assert!(ada.get("/machine").await.body.contains("Not known yet"));
    site.broker.state().health.findings = findings();
    let waiting = Some(Waiting { packages: 3, security: 1 });
    site.broker.state().updates =
        Updates { installed: Some(1_790_000_000), waiting, restart: true, listed: None };
    ada.language = "fr";
    let page = ada.get("/machine").await.body;
    for part in [
        "Quelque chose demande votre attention.",
        "En panne\u{a0}: one.service.",
        "value=\"23\"",
        "812 jours",
        "3 paquets",
        "id=\"restart\"",
        "Jamais",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[tokio::test]
async fn the_faults_of_settings_are_told_in_the_readers_language() {
    let Some(site) = Installed::start().await else { return };
    let mut ada = site.operator().await;
    ada.language = "fr";
    site.broker.state().settings.settings.machine.name = "La Garrigue".to_owned();
    let answer = configure(&mut ada, "", &[]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.body);
    assert!(
        answer.body.contains("«\u{a0}La Garrigue\u{a0}» ne peut pas être un nom de serveur"),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn the_sites_are_listed_with_what_serves_them_and_where_domains_lead() {
    let Some(site) = Installed::start().await else { return };
    site.organisation("Les Voisins", "voisins.example.org").await;
    let mut ada = site.operator().await;
    let page = ada.get("/machine/sites").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    for part in [
        "https://mazet.local/wiki/",
        "https://amis.example.org/",
        "812 days",
        "voisins.example.org",
        "Les Amis du Mazet",
    ] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
}

#[tokio::test]
async fn a_choice_is_made_beside_the_figures_and_measured_without_waiting() {
    let Some(site) = Installed::start().await else { return };
    let mut ada = site.operator().await;
    let page = ada.get("/machine/web-server").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert!(page.body.contains("id=\"never-measured\"") && page.body.contains("44.9 % of active sites"));
    assert!(page.body.contains("Somebody, Survey, 2017-09"), "{}", page.body);
    site.broker.state().comparison.report = Some(report());
    ada.language = "fr";
    let body = ada.get("/machine/web-server").await.body;
    let table = between(&body, "id=\"measured\">", "</table>");
    for text in ["4\u{202f}321", "19,5 ms", "trop peu de réponses", "2,0 Mio", "Envoi d’un fichier"] {
        assert!(table.contains(text), "{text}: {table}");
    }
    ada.language = "en";
    let answer = ada.fill("/machine/web-server", "/machine/web-server/measure", &[]).await;
    assert_eq!(answer.leads_to(), "/machine/web-server");
    let running = ada.get("/machine/web-server").await.body;
    assert!(
        running.contains("data-wait=\"/machine/web-server\"") && running.contains("http-equiv=\"refresh\"")
    );
    site.broker.state().comparison.standing =
        Standing { error: Some("ab failed".to_owned()), ..Standing::default() };
    assert!(ada.get("/machine/web-server").await.body.contains("The last measurement failed"));
    let fields = [("choice-web-server", "two")];
    let preview = ada.fill("/machine/web-server", "/machine/web-server", &fields).await;
    assert_eq!(confirm(&mut ada, &preview).await.leads_to(), "/machine/change");
    assert_eq!(site.broker.state().settings.settings.alternatives["web-server"], "two");
    assert_eq!(ada.get("/machine/nonsense").await.status, StatusCode::NOT_FOUND);
}

/// A unit that failed, space, and a certificate.
pub fn findings() -> Vec<Finding> {
    let finding = |subject: &str, ok, key: &str, values: &[(&str, &str)]| Finding {
        subject: subject.to_owned(),
        title: None,
        ok,
        key: key.to_owned(),
        values: values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
    };
    vec![
        finding("units", false, "units_failed", &[("units", "one.service")]),
        finding("disk-space", true, "space", &[("path", "/srv"), ("free", "77"), ("gigabytes", "340")]),
        finding("certificate", true, "certificate_valid", &[("days", "812")]),
    ]
}

/// Figures of two servers; of uploads there were few.
pub fn report() -> Report {
    let figures =
        |rate, p95_ms| Figures { requests_per_second: rate, median_ms: Some(4.25), p95_ms, failed: 0 };
    let task = |name: &str, rate, p95| Task { name: name.to_owned(), figures: figures(rate, p95) };
    let measured = |service: &str| Measured {
        service: service.to_owned(),
        idle_kib: 2048,
        loaded_kib: 9000,
        tasks: vec![task("static", 4321.4, Some(19.5)), task("upload", 3.0, None)],
    };
    Report {
        alternative: "web-server".to_owned(),
        measured: 1_790_000_000,
        processor: "Some CPU".to_owned(),
        processors: 2,
        clients: 50,
        seconds: 5,
        services: vec![measured("one"), measured("two")],
    }
}

/// A certificate in force, and one public domain whose order was refused.
fn refused() -> crate::certificates::State {
    use crate::acme::{Outcome, Reason, Refused};
    use mazet_model::manifest::{DnsProvider, DnsVariable};
    let shown = crate::certificates::Shown {
        subject: "amis.example.org".to_owned(),
        issuer: "Mazet, Mazet 12ab-34cd".to_owned(),
        own: true,
        names: vec!["amis.example.org".to_owned()],
        days_left: Some(800),
        fingerprint: ["AB"; 32].join(":"),
    };
    let variable = |name: &str, secret, required| DnsVariable { name: name.to_owned(), secret, required };
    crate::certificates::State {
        authority: Some(shown.clone()),
        local: Some(shown.clone()),
        public: Some(shown),
        outcome: Some(Outcome {
            wish: "1".to_owned(),
            at: 1_764_054_600,
            refused: Some(Refused { reason: Reason::Connection, detail: "<timeout>".to_owned() }),
        }),
        running: false,
        providers: vec![DnsProvider {
            name: "somebody".to_owned(),
            title: "Somebody".to_owned(),
            variables: vec![variable("SOME_TOKEN", true, true), variable("SOME_ZONE", false, false)],
        }],
        account: None,
    }
}

#[tokio::test]
async fn a_public_certificate_is_wished_and_what_is_missing_is_told_at_its_field() {
    let Some(site) = Installed::start().await else { return };
    let mut ada = site.operator().await;
    site.broker.state().certificates = refused();
    let path = "/machine/certificates";
    let wrong = [("mode", "acme-dns"), ("domains", "box.local"), ("directory", "http://ca.example/")];
    let answer = ada.fill(path, path, &wrong).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    for field in ["domains", "email", "provider", "directory"] {
        assert!(answer.body.contains(&format!("id=\"{field}-fault\"")), "{field}: {}", answer.body);
    }
    let good = [
        ("mode", "acme-http"),
        ("domains", "Amis.example.org, www.example.org"),
        ("email", "ada@example.org"),
        ("directory", "https://acme-v02.api.letsencrypt.org/directory"),
        ("provider", ""),
    ];
    let preview = ada.fill(path, path, &good).await;
    assert_eq!(confirm(&mut ada, &preview).await.leads_to(), "/machine/change");
    let certificates = site.broker.state().settings.settings.certificates.clone();
    assert_eq!(certificates.domains, ["amis.example.org", "www.example.org"]);
    assert_eq!((certificates.directory, certificates.dns_provider), (None, None));
    let page = ada.get(path).await.body;
    assert!(page.contains("does not reach this box") && page.contains("&lt;timeout&gt;"), "{page}");
    assert!(page.contains("The earlier certificate stays in force."), "{page}");
    ada.language = "fr";
    assert!(ada.get(path).await.body.contains("n’atteint pas ce serveur"));
    ada.language = "en";
    assert_eq!(ada.fill(path, "/machine/certificates/order", &[]).await.leads_to(), path);
    assert!(ada.get(path).await.body.contains("id=\"running\""));
}

#[tokio::test]
async fn what_opens_a_dns_account_goes_to_the_broker_and_is_never_shown() {
    let Some(site) = Installed::start().await else { return };
    let mut ada = site.operator().await;
    site.broker.state().certificates = refused();
    let (path, to) = ("/machine/certificates", "/machine/certificates/account");
    let fields = [("provider", "somebody"), ("SOME_TOKEN", "s3cret"), ("LD_PRELOAD", "x")];
    let answer = ada.fill(path, to, &fields).await;
    assert_eq!(answer.leads_to(), "/machine/certificates?said=certificates.account_kept");
    let kept = site.broker.state().certificates.account.clone();
    let account = Account { provider: "somebody".to_owned(), variables: vec!["SOME_TOKEN".to_owned()] };
    assert_eq!(kept, Some(account));
    assert_eq!(site.broker.state().passwords, ["s3cret"]);
    let page = ada.get(&answer.leads_to()).await.body;
    assert!(page.contains("The account is kept.") && !page.contains("s3cret"), "{page}");
    let unknown = ada.fill(path, to, &[("provider", "nobody"), ("SOME_TOKEN", "s3cret")]).await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
    site.broker.state().refuse = Some(("set-dns-account", "dns-account SOME_TOKEN is missing"));
    let refused = ada.fill(path, to, &[("provider", "somebody")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains("SOME_TOKEN is missing"), "{}", refused.body);
}
