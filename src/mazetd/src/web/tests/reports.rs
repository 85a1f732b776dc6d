//! Pages that services give to the operator, and options of services.

use std::collections::BTreeMap;

use mazet_model::manifest::Text;
use mazet_model::report::{Act, Copied, Field, FieldKind, Form, Level, Line, Report, Row};

use super::installed::Installed;
use super::*;
use crate::change::{Choice, ChoiceValue, Page};
use crate::reports::{Chosen, Shown};

const PATH: &str = "/machine/reports/chat/rooms";

fn text(fr: &str, en: &str) -> Text {
    Text { fr: fr.to_owned(), en: en.to_owned() }
}

/// The page of a service, as the broker tells it among the services.
pub fn page() -> Page {
    Page {
        name: "rooms".to_owned(),
        title: text("Salons", "Rooms"),
        summary: text("Qui parle.", "Who talks."),
    }
}

/// An option of a service, of which one value is not offered yet.
pub fn door() -> Choice {
    let value = |name: &str, report: Option<&str>| ChoiceValue {
        name: name.to_owned(),
        title: text(name, name),
        text: text("Pour voir.", "To see."),
        report: report.map(str::to_owned),
        offered: report.is_none(),
    };
    Choice {
        name: "door".to_owned(),
        title: text("Porte", "Door"),
        value: "closed".to_owned(),
        values: vec![value("closed", None), value("ajar", None), value("open", Some("rooms"))],
    }
}

/// The page with everything that one can have.
pub fn rooms() -> Shown {
    let act =
        |name: &str, whole| Act { name: name.to_owned(), title: text(name, name), whole, forgets: false };
    let field = |name: &str, kind| Field { name: name.to_owned(), title: text(name, name), hint: None, kind };
    let form = Form {
        title: text("Ajouter", "Add a room"),
        text: text("Un salon.", "A room."),
        button: text("Ajouter", "Add"),
        fields: vec![field("host", FieldKind::Host), field("password", FieldKind::Secret)],
    };
    let section = Line::Section {
        title: text("Ouverts", "Open rooms"),
        text: None,
        empty: Some(text("Aucun.", "There is none.")),
    };
    let row = Row {
        id: Some("garden".to_owned()),
        title: text("Jardin", "Garden <b>"),
        level: Level::Bad,
        at: Some(1_764_054_600),
        facts: vec![text("Deux personnes.", "Two people.")],
        quote: Some("550 <script>".to_owned()),
        copy: vec![Copied {
            title: text("Adresse", "Address"),
            value: "10 box.example.org".to_owned(),
            code: true,
        }],
        acts: vec!["close".to_owned(), "unknown".to_owned()],
    };
    Shown {
        report: Report {
            name: "rooms".to_owned(),
            title: text("Salons", "Rooms"),
            summary: text("Qui parle.", "Who talks."),
            unit: "chat-rooms.service".to_owned(),
            act_unit: Some("chat-act@.service".to_owned()),
            acts: vec![act("close", false), act("sweep", true)],
            form: Some(form),
        },
        lines: vec![section.clone(), Line::Row(row), section],
    }
}

#[tokio::test]
async fn a_page_of_a_service_shows_its_lines_and_does_what_they_offer() {
    let Some(site) = Installed::start().await else { return };
    let mut ada = site.operator().await;
    let machine = ada.get("/machine").await.body;
    assert!(machine.contains("id=\"to-chat-rooms\"") && machine.contains(PATH), "{machine}");
    let page = ada.get(PATH).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    for part in [
        "<h1>Rooms</h1>",
        "Garden &lt;b&gt;",
        "<code>550 &lt;script&gt;</code>",
        "Two people.",
        "There is none.",
        "value=\"10 box.example.org\" readonly",
        "role=\"img\" aria-label=\"Address\"",
        "name=\"act\" value=\"close\" aria-describedby=\"row-title-1\"",
        "id=\"act-sweep\"",
        "type=\"password\" value=\"\"",
    ] {
        assert!(page.body.contains(part), "{part} is not in {}", page.body);
    }
    assert!(!page.body.contains("unknown"), "an act that the manifest does not have: {}", page.body);
    let path = format!("{PATH}/act");
    let done = ada.fill(PATH, &path, &[("act", "close"), ("row", "garden")]).await;
    assert_eq!(done.leads_to(), format!("{PATH}?said=report.done"));
    ada.fill(PATH, &path, &[("act", "sweep")]).await;
    let chosen = |act: &str, row: Option<&str>| Chosen {
        service: "chat".to_owned(),
        report: "rooms".to_owned(),
        act: act.to_owned(),
        row: row.map(str::to_owned),
    };
    assert_eq!(site.broker.state().report_acts, [chosen("close", Some("garden")), chosen("sweep", None)]);
    assert_eq!(ada.get("/machine/reports/chat/none").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_a_form_was_filled_in_with_is_shown_again_but_for_secrets() {
    let Some(site) = Installed::start().await else { return };
    let mut ada = site.operator().await;
    let (path, fields) =
        (format!("{PATH}/form"), [("host", " Imap.Example.org "), ("password", "sésame 42")]);
    site.broker.state().refuse = Some(("send-report", "report-value host"));
    let refused = ada.fill(PATH, &path, &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains("“host” will not do") && refused.body.contains(" Imap.Example.org "));
    assert!(!refused.body.contains("sésame"), "{}", refused.body);
    site.broker.state().refuse = None;
    let done = ada.fill(PATH, &path, &fields).await;
    assert_eq!(done.leads_to(), format!("{PATH}?said=report.done"));
    assert_eq!(site.broker.state().passwords, ["imap.example.org", "sésame 42"]);
}

#[tokio::test]
async fn an_option_is_chosen_like_a_service() {
    let Some(site) = Installed::start().await else { return };
    let mut ada = site.operator().await;
    let page = ada.get("/machine/services").await.body;
    assert!(
        page.contains(
            "id=\"option-chat-door-closed\" type=\"radio\" name=\"option-chat-door\" value=\"closed\" checked"
        ),
        "{page}"
    );
    assert!(page.contains("value=\"open\" disabled") && page.contains("Offered once all is ready"), "{page}");
    let fields = [("on", "chat"), ("option-chat-door", "ajar")];
    let preview = ada.fill("/machine/services", "/machine/services", &fields).await;
    assert_eq!(preview.status, StatusCode::OK, "{}", preview.body);
    assert_eq!(super::machine::confirm(&mut ada, &preview).await.leads_to(), "/machine/change");
    let options = site.broker.state().settings.settings.options.clone();
    let door = BTreeMap::from([("door".to_owned(), "ajar".to_owned())]);
    assert_eq!(options, BTreeMap::from([("chat".to_owned(), door)]));
    let odd = [("on", "chat"), ("option-chat-door", "gone")];
    assert_eq!(
        ada.fill("/machine/services", "/machine/services", &odd).await.status,
        StatusCode::BAD_REQUEST
    );
}
