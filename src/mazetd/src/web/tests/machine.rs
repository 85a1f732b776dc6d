//! The machine's pages: nothing changes before it was shown and confirmed.

use super::installed::{Installed, Visitor, between};
use super::*;
use crate::change::Last;

/// The form of the settings, as the page shows it at first, with another name of the box.
fn form(name: &str) -> [(&'static str, String); 9] {
    [
        ("box_name", name.to_owned()),
        ("organisation", "Les Amis".to_owned()),
        ("language", "fr".to_owned()),
        ("timezone", "Europe/Paris".to_owned()),
        ("network", "automatic".to_owned()),
        ("address", String::new()),
        ("gateway", String::new()),
        ("dns", String::new()),
        ("keys", String::new()),
    ]
}

async fn propose(ada: &mut Visitor, fields: &[(&str, String)]) -> Answer {
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    ada.fill("/machine/settings", "/machine/settings", &fields).await
}

/// The form that a preview carries.
fn wish(preview: &Answer) -> [(&'static str, String); 3] {
    let value = |name: &str| {
        between(&preview.body, &format!("name=\"{name}\" value=\""), "\"").replace("&quot;", "\"")
    };
    [("csrf", value("csrf")), ("wished", value("wished")), ("seen", value("seen"))]
}

async fn confirm(ada: &mut Visitor, preview: &Answer) -> Answer {
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
    let mut wrong = form("La Garrigue");
    wrong[4].1 = "fixed".to_owned();
    wrong[8].1 = "no key".to_owned();
    let answer = propose(&mut ada, &wrong).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    for field in ["box_name", "address", "keys"] {
        assert!(answer.body.contains(&format!("id=\"{field}-fault\"")), "{field}: {}", answer.body);
    }
    assert!(answer.body.contains("no key</textarea>"), "what was typed stays");
    let mut alone = form("mazet").to_vec();
    alone.push(("ssh", "on".to_owned()));
    let answer = propose(&mut ada, &alone).await;
    assert!(answer.body.contains("Without a key nobody could log in"), "{}", answer.body);
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
    assert_eq!(kept, Some(("somebody".to_owned(), vec!["SOME_TOKEN".to_owned()])));
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
