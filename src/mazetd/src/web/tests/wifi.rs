//! The step of machines with a wireless device.

use super::broker::complete;
use super::*;
use crate::protocol::{Heard, Network, Wifi};

/// A browser before a machine that hears two networks.
async fn wireless() -> Browser {
    let browser = Browser::claimed().await;
    {
        let mut state = browser.broker.state();
        state.answers = complete();
        state.answers.wifi = None;
        state.notices.wireless = true;
        let network = |ssid: &str, signal, secured| Network { ssid: ssid.to_owned(), signal, secured };
        state.heard = Heard { networks: vec![network("Les <Amis>", -50, true), network("Gare", -80, false)] };
    }
    browser
}

fn kept(browser: &Browser) -> Wifi {
    browser.broker.state().answers.wifi.clone().expect("answered")
}

#[tokio::test]
async fn a_network_is_chosen_from_those_that_are_heard() {
    let mut browser = wireless().await;
    assert_eq!(browser.get("/").await.leads_to(), "/wifi");
    let page = browser.get("/wifi").await.body;
    for part in ["Les &lt;Amis&gt;", "good signal", "weak signal, no password", "Step 3 of 7"] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    let fields = [("network", "name:Les <Amis>"), ("passphrase", "tramontane 71"), ("country", "fr")];
    assert_eq!(browser.fill("/wifi", &fields).await.leads_to(), "/");
    assert_eq!(kept(&browser).ssid.as_deref(), Some("Les <Amis>"));
    assert_eq!(kept(&browser).country.as_deref(), Some("FR"));
    assert_eq!(browser.broker.state().passwords, ["tramontane 71"]);
    assert_eq!(browser.get("/").await.leads_to(), "/summary");
    assert!(browser.get("/summary").await.body.contains("Les &lt;Amis&gt;"));
    let again = browser.get("/wifi").await.body;
    assert!(again.contains("Leave this empty to keep it.") && !again.contains("tramontane"), "{again}");
    let fields = [("network", "name:Les <Amis>"), ("passphrase", ""), ("country", "FR")];
    assert_eq!(browser.fill("/wifi", &fields).await.leads_to(), "/", "the kept key stays");
}

#[tokio::test]
async fn the_cable_alone_and_a_network_that_hides_can_be_chosen() {
    let mut browser = wireless().await;
    assert_eq!(browser.fill("/wifi", &[("network", "cable"), ("country", "")]).await.leads_to(), "/");
    assert_eq!(kept(&browser).ssid, None);
    assert!(browser.get("/summary").await.body.contains("The cable alone, no Wi-Fi"));
    let fields =
        [("network", "other"), ("ssid", "Cachette"), ("passphrase", "tramontane 71"), ("country", "FR")];
    assert_eq!(browser.fill("/wifi", &fields).await.leads_to(), "/");
    assert_eq!(kept(&browser).ssid.as_deref(), Some("Cachette"));
}

#[tokio::test]
async fn what_cannot_be_is_refused_field_by_field() {
    let mut browser = wireless().await;
    for (fields, text) in [
        (vec![("country", "FR")], "Choose a network, or the cable alone."),
        (vec![("network", "other"), ("ssid", ""), ("country", "FR")], "Give the network’s name"),
        (vec![("network", "name:Gare"), ("country", "France")], "two letters, FR for example."),
        (vec![("network", "name:Les <Amis>"), ("country", "FR")], "This network asks for a password."),
        (
            vec![("network", "name:Gare"), ("passphrase", "s3cret"), ("country", "FR")],
            "A Wi-Fi password has 8 to 63 characters",
        ),
    ] {
        let answer = browser.fill("/wifi", &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields:?}");
        assert!(answer.body.contains(text), "{fields:?}: {}", answer.body);
        assert!(!answer.body.contains("s3cret"), "a passphrase came back in the page");
    }
    assert_eq!(browser.broker.state().answers.wifi, None);
}

#[tokio::test]
async fn without_a_wireless_device_nothing_is_asked() {
    let mut browser = Browser::claimed().await;
    browser.broker.state().answers = complete();
    let page = browser.get("/disks").await.body;
    assert!(page.contains("Step 3 of 6") && !page.contains("/wifi"), "{page}");
    assert_eq!(browser.get("/").await.leads_to(), "/summary");
}
