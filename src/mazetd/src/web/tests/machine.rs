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
