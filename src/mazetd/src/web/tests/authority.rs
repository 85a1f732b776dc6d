//! The page that makes a device trust the box: for everybody, and the same certificate in every form.

use super::installed::between;
use super::*;
use crate::tls::Certificate;

#[tokio::test]
async fn everybody_may_have_the_authority_in_every_form() {
    let mut browser = Browser::new(Mode::Installed);
    let page = browser.get("/authority/").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let pem = browser.get("/authority/mazet.pem").await;
    let certificate = Certificate::from_pem(&pem.bytes).unwrap();
    let groups: Vec<String> = between(&page.body, "id=\"fingerprint\">", "</p>")
        .split("<code>")
        .skip(1)
        .map(|rest| rest.split('<').next().unwrap().to_owned())
        .collect();
    assert_eq!(groups.len(), 4);
    assert_eq!(groups.join(":"), certificate.fingerprint());
    let der = browser.get("/authority/mazet.crt").await;
    assert_eq!(der.headers["content-type"], "application/x-x509-ca-cert");
    assert_eq!(der.headers["content-disposition"], "attachment; filename=\"mazet-mazet.crt\"");
    assert_eq!(der.bytes, certificate.der);
    let profile = browser.get("/authority/mazet.mobileconfig").await;
    assert_eq!(profile.headers["content-type"], "application/x-apple-aspen-config");
    let inside = between(&profile.body, "<data>", "</data>");
    let again = format!("-----BEGIN CERTIFICATE-----\n{inside}\n-----END CERTIFICATE-----\n");
    assert_eq!(Certificate::from_pem(again.as_bytes()).unwrap(), certificate);
}

#[tokio::test]
async fn the_profile_of_an_association_with_markup_in_its_name_is_well_formed() {
    let mut browser = Browser::new(Mode::Installed);
    browser.broker.state().status.organisation = "Amis & <fils>".to_owned();
    let profile = browser.get("/authority/mazet.mobileconfig").await.body;
    assert!(profile.contains("<string>Amis &amp; &lt;fils&gt;</string>"), "{profile}");
    let uuids: Vec<&str> =
        profile.split("PayloadUUID</key><string>").skip(1).map(|rest| &rest[..36]).collect();
    assert_eq!(uuids.len(), 2);
    assert_ne!(uuids[0], uuids[1]);
    assert!(uuids.iter().all(|uuid| uuid.split('-').map(str::len).eq([8, 4, 4, 4, 12])), "{uuids:?}");
}

#[tokio::test]
async fn over_plain_http_the_page_warns_and_the_language_stands_in_the_address() {
    let mut browser = Browser::new(Mode::Installed);
    let plain = |path: &str| Request::get(path).header("x-forwarded-proto", "http");
    let english = browser.ask(plain("/authority/"), String::new()).await;
    assert!(
        english.body.contains("id=\"plain\"") && english.body.contains("<html lang=\"en\">"),
        "{}",
        english.body
    );
    let french = browser.ask(plain("/authority/?lang=fr"), String::new()).await;
    assert_eq!(french.status, StatusCode::OK);
    assert!(french.body.contains("<html lang=\"fr\">") && french.body.contains("Comparez l’empreinte"));
    let secure = browser.get("/authority/").await;
    assert!(!secure.body.contains("id=\"plain\""));
    assert_eq!(browser.get("/authority/?lang=fr").await.leads_to(), "/authority/");
}

#[tokio::test]
async fn a_stranger_is_shown_the_way_there() {
    let mut browser = Browser::new(Mode::Installed);
    for path in ["/", "/sign-in", "/done"] {
        assert!(browser.get(path).await.body.contains("href=\"/authority/\""), "{path}");
    }
    for path in ["/authority", "/authority/key.pem", "/authority/mazet.crt/"] {
        assert!(browser.get(path).await.leads_to().starts_with("/sign-in?next="), "{path}");
    }
}
