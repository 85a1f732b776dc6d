//! Pages of a service in a temporary tree, with a systemctl that writes down what it was asked.

use std::os::unix::fs::PermissionsExt as _;

use mazet_model::settings::Settings;
use tempfile::TempDir;

use super::*;

const MANIFEST: &str = r#"
[service]
name = "post"
title = { fr = "Courrier", en = "Mail" }
summary = { fr = "Du courrier.", en = "Mail." }
[[report]]
name = "queue"
title = { fr = "File", en = "Queue" }
summary = { fr = "Ce qui attend.", en = "What waits." }
unit = "post-queue.service"
act-unit = "post-act@.service"
[[report.act]]
name = "retry"
title = { fr = "Réessayer", en = "Try again" }
[[report.act]]
name = "all"
title = { fr = "Tout", en = "All" }
whole = true
[[report.act]]
name = "forget"
title = { fr = "Oublier", en = "Forget" }
forgets = true
[report.form]
title = { fr = "Ajouter", en = "Add" }
text = { fr = "Un compte.", en = "An account." }
button = { fr = "Ajouter", en = "Add" }
[[report.form.field]]
name = "host"
title = { fr = "Serveur", en = "Server" }
kind = "host"
[[report.form.field]]
name = "password"
title = { fr = "Mot de passe", en = "Password" }
kind = "secret"
"#;

const LINES: &str = r#"{"line":"row","id":"4bX","title":{"fr":"Lettre","en":"Letter"},"acts":["retry"]}
{"line":"row","id":"AB","title":{"fr":"Compte","en":"Account"},"acts":["forget"]}
"#;

/// A box with that service, and its systemctl.
fn tree() -> (TempDir, Runner) {
    let tree = tempfile::tempdir().expect("temporary folder");
    let put = |path: &str, text: &str| {
        let path = tree.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    };
    put(
        "usr/share/mazet/image.json",
        r#"{"name":"pc","version":"0","release":"trixie","architecture":"amd64","hardware":"pc","services":["post"],
        "kernel":"6","kernel_arguments":[],"volume_id":"12ab34cd","digest":"","layers":[],"unpacked_bytes":0}"#,
    );
    put("usr/share/mazet/services/post.toml", MANIFEST);
    put(system::BOX_TOML, &toml::to_string(&Settings::live()).expect("TOML"));
    put("run/mazet/report-post-queue.jsonl", LINES);
    let asked = tree.path().join("asked");
    put("bin/systemctl", &format!("#!/bin/sh\necho \"$*\" >>{}\n", asked.display()));
    let bin = tree.path().join("bin");
    fs::set_permissions(bin.join("systemctl"), fs::Permissions::from_mode(0o755)).expect("mode");
    (tree, Runner::from_folder(bin))
}

fn asked(tree: &TempDir) -> String {
    fs::read_to_string(tree.path().join("asked")).unwrap_or_default()
}

fn chosen(act: &str, row: Option<&str>) -> Chosen {
    Chosen {
        service: "post".to_owned(),
        report: "queue".to_owned(),
        act: act.to_owned(),
        row: row.map(str::to_owned),
    }
}

fn sent(values: &[(&str, &str)]) -> Sent {
    let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Sent { service: "post".to_owned(), report: "queue".to_owned(), values }
}

#[test]
fn a_page_is_what_its_unit_wrote() {
    let (tree, runner) = tree();
    let shown = show(tree.path(), "post", "queue", &runner).expect("made").expect("there");
    assert_eq!(shown.lines.len(), 2);
    assert_eq!(asked(&tree), "start post-queue.service\n");
    assert_eq!(show(tree.path(), "post", "other", &runner).expect("looked"), None);
    assert_eq!(show(tree.path(), "chat", "queue", &runner).expect("looked"), None);
}

#[test]
fn only_what_the_page_offers_is_done() {
    let (tree, runner) = tree();
    act(tree.path(), &chosen("retry", Some("4bX")), &runner).expect("done");
    act(tree.path(), &chosen("all", None), &runner).expect("done");
    assert_eq!(asked(&tree), "start post-act@retry:4bX.service\nstart post-act@all.service\n");
    for (name, row) in [
        ("retry", None),
        ("retry", Some("AB")),
        ("retry", Some("none")),
        ("retry", Some("../4bX")),
        ("all", Some("4bX")),
        ("other", Some("4bX")),
    ] {
        let error = act(tree.path(), &chosen(name, row), &runner).expect_err("not offered");
        assert_eq!(error.downcast::<Wrong>().ok(), Some(Wrong::Gone), "{name} {row:?}");
    }
    assert_eq!(asked(&tree).lines().count(), 2);
}

#[test]
fn what_a_form_asks_for_is_roots_alone_and_can_be_forgotten() {
    let (tree, runner) = tree();
    let folder = tree.path().join("srv/mazet/secrets/post-queue");
    keep(tree.path(), &sent(&[("host", "imap.example.org"), ("password", "sésame 42")])).expect("kept");
    let file = fs::read_dir(&folder).expect("there").next().expect("a file").expect("read").path();
    assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&folder).expect("there").permissions().mode() & 0o777, 0o700);
    assert!(fs::read_to_string(&file).expect("read").contains("sésame 42"));
    fs::rename(&file, folder.join("AB.json")).expect("named");
    act(tree.path(), &chosen("forget", Some("AB")), &runner).expect("forgotten");
    assert_eq!(fs::read_dir(&folder).expect("there").count(), 0);
    assert_eq!(asked(&tree), "");
}

#[test]
fn a_form_takes_what_its_fields_hold_and_nothing_else() {
    let (tree, _) = tree();
    let fault = |values: &[(&str, &str)]| {
        let error = keep(tree.path(), &sent(values)).expect_err("refused");
        error.downcast::<Wrong>().expect("told")
    };
    assert_eq!(fault(&[("host", "a b"), ("password", "x")]), Wrong::Value("host".to_owned()));
    assert_eq!(fault(&[("host", "a.example")]), Wrong::Value("password".to_owned()));
    assert_eq!(fault(&[("host", "a.example"), ("password", "a\nb")]), Wrong::Value("password".to_owned()));
    assert_eq!(fault(&[("host", "a.example"), ("password", "x"), ("more", "x")]), Wrong::Gone);
    assert!(!format!("{:?}", sent(&[("password", "sésame")])).contains("sésame"));
}
