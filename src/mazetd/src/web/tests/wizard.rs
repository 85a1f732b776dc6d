//! From the claim to the restart: what is asked, kept, refused and shown.

use mazet_model::manifest::Text;
use mazet_model::settings::Language;

use super::broker::{complete, running};
use super::*;
use crate::protocol::{Answers, Backup, Content, KnownBox, Looked, Purpose};

const PASSWORD: &str = "tramontane olive brebis 71";

#[tokio::test]
async fn the_whole_wizard_from_the_claim_to_the_restart() {
    let mut browser = Browser::claimed().await;
    let operator = [
        ("operator_name", "Marie Sabatier"),
        ("login", "marie"),
        ("password", PASSWORD),
        ("password_again", PASSWORD),
    ];
    let association =
        [("organisation", " Les Amis du Mazet "), ("box_name", "Lavande"), ("timezone", "Europe/Paris")];
    let steps: [(&str, &[(&str, &str)]); 5] = [
        ("/language", &[("language", "fr")]),
        ("/start", &[("purpose", "new")]),
        ("/disks", &[("disk", "sda"), ("disk", "sdb"), ("serial-sdb", "WD-WCC6Y")]),
        ("/association", &association),
        ("/operator", &operator),
    ];
    for (path, fields) in steps {
        assert_eq!(browser.get("/").await.leads_to(), path);
        assert_eq!(browser.get(path).await.status, StatusCode::OK, "{path}");
        assert_eq!(browser.fill(path, fields).await.leads_to(), "/", "{path}");
    }
    assert_eq!(browser.get("/").await.leads_to(), "/summary");
    let answers = browser.broker.state().answers.clone();
    assert_eq!(answers.organisation.as_deref(), Some("Les Amis du Mazet"));
    assert_eq!(answers.box_name.as_deref(), Some("lavande"));
    assert_eq!(answers.disks.map(|disks| disks.len()), Some(2));
    assert_eq!(browser.broker.state().passwords, [PASSWORD]);

    let summary = browser.get("/summary").await;
    for text in ["Les Amis du Mazet", "lavande.local", "WD-WCC6Y", "1\u{a0}To", "Marie Sabatier"] {
        assert!(summary.body.contains(text), "{text} is not in {}", summary.body);
    }
    assert_eq!(browser.fill("/install", &[]).await.leads_to(), "/progress");
    assert_eq!(browser.get("/").await.leads_to(), "/progress");
    assert_eq!(browser.get("/disks").await.leads_to(), "/progress");
    browser.broker.state().progress.finished = true;
    let finished = browser.get("/progress").await;
    let waiting = browser.send("/reboot", &[("csrf", &finished.csrf())]).await;
    assert!(waiting.body.contains("https://lavande.local/"));
    assert_eq!(browser.broker.state().asked.last().map(String::as_str), Some("reboot"));
}

#[tokio::test]
async fn an_answered_step_is_asked_no_more_and_can_be_changed() {
    let mut browser = Browser::claimed().await;
    browser.broker.state().answers.language = Some(Language::Fr);
    assert_eq!(browser.get("/").await.leads_to(), "/start");
    assert_eq!(browser.get("/operator").await.leads_to(), "/start", "no step is skipped");
    browser.broker.state().answers = complete();
    assert_eq!(browser.get("/").await.leads_to(), "/summary");
    let page = browser.get("/association").await;
    assert!(page.body.contains("value=\"Les Amis du Mazet\""));
    assert!(page.body.contains("id=\"back-to-summary\""));
    let new = [("organisation", "Autre"), ("box_name", "mazet"), ("timezone", "Indian/Reunion")];
    assert_eq!(browser.fill("/association", &new).await.leads_to(), "/");
    assert_eq!(browser.get("/").await.leads_to(), "/summary");
    assert_eq!(browser.broker.state().answers.operator_login.as_deref(), Some("marie"));
}

#[tokio::test]
async fn a_chosen_password_may_stay() {
    let mut browser = Browser::claimed().await;
    browser.broker.state().answers = complete();
    let fields = [("operator_name", "Jo"), ("login", "jo"), ("password", ""), ("password_again", "")];
    assert_eq!(browser.fill("/operator", &fields).await.leads_to(), "/");
    assert!(browser.broker.state().passwords.is_empty());
    assert_eq!(browser.broker.state().answers.operator_login.as_deref(), Some("jo"));
}

#[tokio::test]
async fn disks_are_refused_for_good_reasons() {
    let mut browser = Browser::claimed().await;
    browser.broker.state().answers = complete();
    for (fields, text) in [
        (vec![], "Choose at least one disk."),
        (vec![("disk", "sdz")], "One of the chosen disks is gone."),
        (vec![("disk", "sdb")], "The disk sdb is not empty: copy WD-WCC6Y exactly."),
        (vec![("disk", "sdb"), ("serial-sdb", "wd-wcc6y")], "copy WD-WCC6Y exactly."),
        (vec![("disk", "sdc"), ("serial-sdc", "sdc")], "The disk sdc is too small."),
        (vec![("disk", "sda"), ("disk", "sdb"), ("disk", "sdc")], "Choose one or two disks, no more."),
    ] {
        let answer = browser.fill("/disks", &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields:?}");
        assert!(answer.body.contains(text), "{fields:?}: {}", answer.body);
    }
    assert_eq!(browser.broker.state().answers, complete());
}

#[tokio::test]
async fn what_disks_hold_is_told_in_the_visitors_language() {
    let mut browser = Browser::claimed().await;
    browser.broker.state().answers = complete();
    browser.broker.state().disks[0].contents = vec![Content::Table { kind: "gpt".to_owned() }];
    browser.broker.state().disks[2].contents = vec![Content::Unknown];
    for (language, texts) in [
        ("en", ["sdb1: ntfs “Photos”, 120 GB", "an empty partition table (gpt)", ">unknown data<"]),
        ("fr", ["sdb1 : ntfs « Photos », 120 Go", "table de partitions vide (gpt)", ">données inconnues<"]),
    ] {
        browser.language = language;
        let page = browser.get("/disks").await.body.replace('\u{a0}', " ");
        for text in texts {
            assert!(page.contains(text), "{text}: {page}");
        }
    }
}

#[tokio::test]
async fn a_disk_without_a_serial_is_confirmed_by_its_name() {
    let mut browser = Browser::claimed().await;
    browser.broker.state().answers = complete();
    browser.broker.state().disks[1].serial = String::new();
    assert_eq!(browser.fill("/disks", &[("disk", "sdb"), ("serial-sdb", "sdb")]).await.leads_to(), "/");
}

#[tokio::test]
async fn a_disk_that_is_gone_stops_the_installation() {
    let mut browser = Browser::claimed().await;
    browser.broker.state().answers = complete();
    browser.broker.state().disks.remove(0);
    let summary = browser.get("/summary").await;
    assert!(summary.body.contains("One of the chosen disks is gone."));
    assert!(!summary.body.contains("id=\"install\""));
}

#[tokio::test]
async fn names_are_checked_field_by_field() {
    let mut browser = Browser::claimed().await;
    browser.broker.state().answers = complete();
    let fields = [("organisation", " "), ("box_name", "ma box"), ("timezone", "Europe/Mars")];
    let answer = browser.fill("/association", &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    for field in ["organisation", "box_name", "timezone"] {
        assert!(
            answer.body.contains(&format!("<a href=\"#{field}\">")),
            "{field} is not in the list of faults"
        );
        assert!(answer.body.contains(&format!("id=\"{field}-fault\"")), "{field} does not show its fault");
    }
    assert!(answer.body.contains("value=\"ma box\""), "what was typed is kept");
    assert_eq!(browser.broker.state().answers, complete());
}

#[tokio::test]
async fn weak_or_different_passwords_are_refused() {
    let mut browser = Browser::claimed().await;
    browser.broker.state().answers = complete();
    for (password, again, text) in [
        ("court", "court", "at least twelve characters"),
        ("lesamisdumazet", "lesamisdumazet", "guess"),
        (PASSWORD, "tramontane", "The two passwords are not the same."),
    ] {
        let fields =
            [("operator_name", "Jo"), ("login", "jo"), ("password", password), ("password_again", again)];
        let answer = browser.fill("/operator", &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{password}");
        assert!(answer.body.contains(text), "{password}: {}", answer.body);
        assert!(!answer.body.contains(password), "a password came back in the page");
    }
    let fields =
        [("operator_name", "Jo"), ("login", "root"), ("password", PASSWORD), ("password_again", PASSWORD)];
    assert!(browser.fill("/operator", &fields).await.body.contains("reserved for the system"));
    assert!(browser.broker.state().passwords.is_empty());
}

#[tokio::test]
async fn nothing_is_installed_while_an_answer_is_missing() {
    let mut browser = Browser::claimed().await;
    browser.broker.state().answers = complete();
    browser.broker.state().answers.operator_password = None;
    assert_eq!(browser.fill("/install", &[]).await.leads_to(), "/operator");
    assert!(!browser.broker.state().asked.contains(&"install".to_owned()));
}

#[tokio::test]
async fn what_the_broker_refuses_is_told() {
    let mut browser = Browser::claimed().await;
    browser.broker.state().answers = complete();
    browser.broker.state().refuse = Some(("install", "disk-missing sda is gone"));
    let answer = browser.fill("/install", &[]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.body.contains("A chosen disk is gone. Choose the disks again."), "{}", answer.body);
    browser.broker.state().refuse = Some(("save-answers", "invented no room left"));
    let answer = browser.fill("/start", &[("purpose", "new")]).await;
    assert!(answer.body.contains("Something went wrong (no room left)."), "{}", answer.body);
}

#[tokio::test]
async fn progress_is_drawn_by_the_server_and_for_the_script() {
    let mut browser = Browser::claimed().await;
    assert_eq!(browser.get("/progress").await.leads_to(), "/");
    browser.broker.state().progress = running();
    let page = browser.get("/progress").await.body;
    for part in [
        "<progress id=\"overall\" max=\"100\" value=\"40\">",
        "<li id=\"stage-unpack\" class=\"running\">",
        "<li id=\"stage-boot\" class=\"waiting\">",
        "<progress id=\"bar-partition\" max=\"100\" value=\"100\">",
        "aria-live=\"polite\">40%: Copy the system<",
        "<noscript><meta http-equiv=\"refresh\" content=\"3\"></noscript>",
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    let json: serde_json::Value = serde_json::from_str(&browser.get("/progress.json").await.body).unwrap();
    assert_eq!(json["percent"], 40);
    assert_eq!(json["over"], false);
    assert_eq!(json["stages"][2]["state"], "running");
    browser.broker.state().progress.finished = true;
    let json: serde_json::Value = serde_json::from_str(&browser.get("/progress.json").await.body).unwrap();
    assert_eq!(json["over"], true);
}

#[tokio::test]
async fn a_failed_installation_says_why_and_can_be_repeated() {
    let mut browser = Browser::claimed().await;
    browser.broker.state().answers = complete();
    browser.broker.state().progress = running();
    browser.broker.state().progress.error = Some("writing /dev/sda: <I/O error>".to_owned());
    assert_eq!(browser.get("/").await.leads_to(), "/progress");
    let page = browser.get("/progress").await;
    assert!(page.body.contains("writing /dev/sda: &lt;I/O error&gt;"));
    assert_eq!(browser.get("/disks").await.status, StatusCode::OK, "the disk may be changed");
    assert_eq!(browser.send("/install", &[("csrf", &page.csrf())]).await.leads_to(), "/progress");
    assert_eq!(browser.broker.state().progress.error, None);
}

#[tokio::test]
async fn no_restart_before_the_end() {
    let mut browser = Browser::claimed().await;
    let csrf = browser.get("/language").await.csrf();
    browser.broker.state().progress = running();
    assert_eq!(browser.send("/reboot", &[("csrf", &csrf)]).await.leads_to(), "/progress");
    assert!(!browser.broker.state().asked.contains(&"reboot".to_owned()));
}

#[tokio::test]
async fn the_card_that_the_machine_started_from_is_offered_and_stays_in() {
    let mut browser = Browser::claimed().await;
    browser.broker.state().answers = complete();
    browser.broker.state().disks[0].medium = true;
    let page = browser.get("/disks").await.body;
    assert!(page.contains("this card") && page.contains("the starting system, which stays"), "{page}");
    let summary = browser.get("/summary").await.body;
    assert!(summary.contains("but for this card’s starting system, which stays"), "{summary}");
    browser.broker.state().progress = running();
    browser.broker.state().progress.finished = true;
    let finished = browser.get("/progress").await;
    assert!(finished.body.contains("Take nothing out: the box starts from this very card."));
    assert!(!finished.body.contains("Take the USB stick out"));
    let waiting = browser.send("/reboot", &[("csrf", &finished.csrf())]).await;
    assert!(waiting.body.contains("Take nothing out. The box will be back"), "{}", waiting.body);
}

#[tokio::test]
async fn mistakes_in_mazet_toml_are_shown_with_their_place_and_only_behind_the_wall() {
    let mut browser = Browser::new(Mode::Live);
    let faults =
        mazet_model::answers::Answers::read("mazet.toml", "langage = \"fr\"\ntimezone = \"<b>\"\n").faults;
    browser.broker.state().notices.faults = faults;
    assert!(!browser.get("/claim").await.body.contains("mazet.toml"));
    browser.claim(CODE).await;
    let page = browser.get("/language").await.body;
    for part in ["The file mazet.toml has mistakes", "Line 2, column 12", "&lt;b&gt;", "\n           ^^^^^"] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    browser.broker.state().notices.clock_unset = true;
    assert!(browser.get("/language").await.body.contains("clock could not be set"));
    browser.broker.state().notices = crate::protocol::Notices::default();
    assert!(!browser.get("/language").await.body.contains("mazet.toml"));
    assert!(!browser.get("/language").await.body.contains("could not be set"));
}

#[tokio::test]
async fn steps_answered_in_advance_are_not_asked_and_half_answered_ones_are_filled_in() {
    let mut browser = Browser::claimed().await;
    let mut answers = complete();
    answers.organisation = None;
    answers.timezone = Some("Indian/Reunion".to_owned());
    browser.broker.state().answers = answers;
    assert_eq!(browser.get("/").await.leads_to(), "/association");
    let page = browser.get("/association").await.body;
    assert!(page.contains("value=\"lavande\"") && page.contains("<option selected>Indian/Reunion"), "{page}");
}

#[tokio::test]
async fn a_box_whose_data_stays_is_asked_nothing_that_it_knows() {
    let mut browser = Browser::claimed().await;
    let garrigue = KnownBox {
        uuid: "5f1e".to_owned(),
        disks: vec!["sda".to_owned()],
        name: "garrigue".to_owned(),
        organisation: "Les Amis du Mazet".to_owned(),
        fault: None,
    };
    let broken = KnownBox {
        uuid: "dead".to_owned(),
        disks: vec!["sdb".to_owned()],
        fault: Some("reading box.toml: no such file".to_owned()),
        ..garrigue.clone()
    };
    browser.broker.state().answers.language = Some(Language::Fr);
    let none = browser.get("/start").await;
    assert!(none.body.contains("No disk holds a Mazet box, but for the one"), "{}", none.body);
    browser.broker.state().boxes = vec![broken, garrigue.clone()];
    let page = browser.get("/start").await;
    for text in ["Reinstall “garrigue” and keep its data", "Les Amis du Mazet", "reading box.toml"] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    for wish in ["dead", "other", "reinstall"] {
        let answer = browser.fill("/start", &[("purpose", wish)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wish}");
    }
    assert_eq!(browser.fill("/start", &[("purpose", "5f1e")]).await.leads_to(), "/");
    assert_eq!(browser.get("/").await.leads_to(), "/summary");
    let answers = browser.broker.state().answers.clone();
    assert_eq!((answers.purpose, answers.kept), (Some(Purpose::Keep), Some(garrigue)));
    let summary = browser.get("/summary").await;
    assert!(summary.body.contains("Nothing that is your associations’ is touched."), "{}", summary.body);
    assert!(!summary.body.contains("id=\"change-operator\""));
    assert_eq!(browser.fill("/install", &[]).await.leads_to(), "/progress");
    browser.broker.state().progress.finished = true;
    let finished = browser.get("/progress").await;
    let waiting = browser.send("/reboot", &[("csrf", &finished.csrf())]).await;
    assert!(waiting.body.contains("https://garrigue.local/"));
}

#[tokio::test]
async fn who_decides_for_a_new_box_after_all_is_asked_everything() {
    let mut browser = Browser::claimed().await;
    browser.broker.state().answers = Answers { purpose: Some(Purpose::Keep), ..complete() };
    assert_eq!(browser.get("/").await.leads_to(), "/summary");
    browser.broker.state().answers.disks = None;
    assert_eq!(browser.fill("/start", &[("purpose", "new")]).await.leads_to(), "/");
    assert_eq!(browser.get("/").await.leads_to(), "/disks");
}

#[tokio::test]
async fn a_backup_is_looked_for_shown_and_taken() {
    let mut browser = Browser::claimed().await;
    browser.broker.state().answers = Answers { disks: None, organisation: None, ..complete() };
    browser.broker.state().looked = Looked::Unable;
    let unable = browser.fill("/start", &[("purpose", "restore")]).await;
    assert_eq!(unable.status, StatusCode::UNPROCESSABLE_ENTITY, "an image without backups");
    assert!(unable.body.contains("The system of this stick has no backups."), "{}", unable.body);
    browser.broker.state().looked = Looked::Nothing;
    assert_eq!(browser.fill("/start", &[("purpose", "restore")]).await.leads_to(), "/");
    assert_eq!(browser.get("/").await.leads_to(), "/source");
    let page = browser.get("/source").await;
    assert!(page.body.contains("id=\"place-A1-B2\""), "{}", page.body);
    for fields in
        [vec![("place", "usb:A1-B2"), ("key", " ")], vec![("key", "k")], vec![("place", "x"), ("key", "k")]]
    {
        let fields = [vec![("do", "look")], fields].concat();
        assert_eq!(
            browser.fill("/source", &fields).await.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{fields:?}"
        );
    }
    let wishes = [("do", "look"), ("place", "usb:A1-B2"), ("key", "KEY-1"), ("box", "garrigue")];
    assert_eq!(browser.fill("/source", &wishes).await.leads_to(), "/");
    let (place, key) = browser.broker.state().looks.pop().expect("looked for");
    assert_eq!(
        (place["kind"].as_str(), place["folder"].as_str()),
        (Some("usb"), Some("mazet-backup/garrigue"))
    );
    assert_eq!(key, "KEY-1");
    browser.broker.state().looked = Looked::Looking;
    let looking = browser.get("/source").await;
    assert!(looking.body.contains("http-equiv=\"refresh\"") && looking.body.contains("id=\"looking\""));
    let fault = Text { fr: "Non.".to_owned(), en: "This key does not open them.".to_owned() };
    browser.broker.state().looked = Looked::Fault(fault);
    let refused = browser.get("/source").await;
    assert!(refused.body.contains("This key does not open them."), "{}", refused.body);
    assert!(!refused.body.contains("KEY-1"));
    browser.broker.state().looked = Looked::Found(Box::new(Backup {
        title: "USB: Verbatim".to_owned(),
        backup: "0123abcd".to_owned(),
        r#box: "garrigue".to_owned(),
        at: 1_790_000_000,
        services: vec!["mail".to_owned()],
        files: 12,
        bytes: 1_000_000,
        bytes_needed: 2_000_000,
    }));
    let found = browser.get("/source").await;
    assert!(found.body.contains("USB: Verbatim") && found.body.contains("id=\"take\""), "{}", found.body);
    assert_eq!(browser.fill("/source", &[("do", "take")]).await.leads_to(), "/");
    assert_eq!(browser.get("/").await.leads_to(), "/disks");
    let disk = [("disk", "sda"), ("serial-sda", "")];
    assert_eq!(browser.fill("/disks", &disk).await.leads_to(), "/");
    assert_eq!(browser.get("/").await.leads_to(), "/summary");
    let summary = browser.get("/summary").await;
    assert!(summary.body.contains("The box “garrigue”, as the backup holds it"), "{}", summary.body);
    assert!(!summary.body.contains("id=\"change-operator\"") && summary.body.contains(">Restore<"));
}
