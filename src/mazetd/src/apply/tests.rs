//! Applying in a temporary tree, with a systemctl that writes down what it was asked.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Result;
use tempfile::TempDir;

use super::{Faulty, Options, Outcome, change, checked_settings, good, render, units};
use crate::run::Runner;
use crate::{files, system};

const MANIFEST: &str = r#"
[service]
name = "pages"
title = { fr = "Pages", en = "Pages" }
summary = { fr = "Pages.", en = "Pages." }
optional = true
[[unit]]
name = "pages.service"
[[unit]]
name = "old.service"
enable = false
[[template]]
source = "pages.conf.hbs"
target = "/etc/pages.conf"
mode = "0640"
reload = ["pages.service"]
[[folder]]
path = "/srv/pages"
mode = "0750"
"#;

const BOX: &str = r#"
[box]
name = "garrigue"
language = "fr"
timezone = "Europe/Paris"
[organisation]
name = "Les Amis"
[operator]
name = "Ada"
login = "ada"
"#;

const IMAGE: &str = r#"{"name":"pc","version":"0","release":"trixie","architecture":"amd64",
"hardware":"pc","services":["pages"],"kernel":"6","kernel_arguments":[],"volume_id":"12ab34cd",
"digest":"","layers":[],"unpacked_bytes":0}"#;

/// A box in a temporary folder. Its systemctl says that `pages.service` and `old.service` are
/// what `enabled` holds, and fails at the verb that `fails` holds.
struct Fixture {
    folder: TempDir,
}

impl Fixture {
    fn new() -> Self {
        let fixture = Self { folder: tempfile::tempdir().expect("temporary folder") };
        fixture.put("root/usr/share/mazet/image.json", IMAGE);
        fixture.put("root/usr/share/mazet/services/pages.toml", MANIFEST);
        fixture.put("root/usr/share/mazet/overlays/pages/pages.conf.hbs", "name {{box.name}}\nkeep\n");
        fixture.put("root/srv/mazet/box.toml", BOX);
        fixture.put("enabled", "disabled");
        fixture.put("fails", "nothing");
        let log = fixture.path("log");
        let here = fixture.folder.path().display().to_string();
        let script = format!(
            "#!/bin/sh\ncase \"$*\" in *is-enabled*) cat {here}/enabled; exit 1;; esac\n\
             echo \"$*\" >> {}\ncase \"$*\" in *\"$(cat {here}/fails)\"*) echo no >&2; exit 1;; esac\n",
            log.display()
        );
        fixture.put("bin/systemctl", &script);
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(fixture.path("bin/systemctl"), mode).expect("mode");
        fixture
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn put(&self, path: &str, content: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("folder")).expect("made");
        fs::write(path, content).expect("written");
    }

    fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.path(path)).ok()
    }

    fn runner(&self) -> Runner {
        Runner::from_folder(self.path("bin"))
    }

    fn apply(&self, dry_run: bool) -> Result<Outcome> {
        super::apply(&Options { root: self.path("root"), dry_run }, &self.runner())
    }

    /// What the running system does beyond a tree: it tells units. Same steps as `apply`.
    fn apply_running(&self) -> Result<()> {
        let root = self.path("root");
        let running = Options { root: PathBuf::from("/"), dry_run: false };
        let services = system::services(&root)?;
        let settings = checked_settings(&root, &services)?;
        let rendering = render::render(&root, &settings, &services)?;
        let changes = change::changes(&root, &rendering, &good::Good::of(&root))?;
        let plan = units::plan(&running, &self.runner(), &settings, &services, &changes)?;
        super::carry_out(&Options { root, dry_run: false }, &self.runner(), (&changes, &plan), || {
            Ok(Vec::new())
        })
        .map(drop)
    }

    fn log(&self) -> Vec<String> {
        let log = self.read("log").unwrap_or_default();
        let root = self.path("root").display().to_string();
        log.lines().map(|line| line.replace(&root, "ROOT")).collect()
    }
}

#[test]
fn files_folders_and_units_follow_the_settings() {
    let fixture = Fixture::new();
    let outcome = fixture.apply(false).expect("applied");
    assert_eq!(outcome.files, ["/etc/pages.conf"]);
    assert_eq!(outcome.units, ["enable pages.service"]);
    assert_eq!(fixture.read("root/etc/pages.conf").as_deref(), Some("name garrigue\nkeep\n"));
    let mode = |path: &str| fs::metadata(fixture.path(path)).expect("there").permissions().mode() & 0o7777;
    assert_eq!(mode("root/etc/pages.conf"), 0o640);
    assert_eq!(mode("root/srv/pages"), 0o750);
    assert_eq!(fixture.log(), ["--root=ROOT enable pages.service"]);
}

#[test]
fn applying_twice_changes_nothing() {
    let fixture = Fixture::new();
    fixture.apply(false).expect("applied");
    fixture.put("enabled", "enabled");
    // `old.service` is to be off: the fixture's systemctl says "enabled" of everything.
    let inode = |path: &str| fs::metadata(fixture.path(path)).expect("there").ino();
    let before = (inode("root/etc/pages.conf"), inode("root/srv/mazet/rendered/etc/pages.conf"));
    let outcome = fixture.apply(false).expect("applied");
    assert_eq!(outcome.files, Vec::<String>::new());
    assert_eq!(outcome.units, ["disable old.service"]);
    assert_eq!(before, (inode("root/etc/pages.conf"), inode("root/srv/mazet/rendered/etc/pages.conf")));
}

#[test]
fn a_dry_run_shows_the_difference_and_touches_nothing() {
    let fixture = Fixture::new();
    fixture.put("root/etc/pages.conf", "name mazet\nkeep\n");
    let mode = fs::Permissions::from_mode(0o640);
    fs::set_permissions(fixture.path("root/etc/pages.conf"), mode).expect("mode");
    let outcome = fixture.apply(true).expect("looked");
    insta::assert_snapshot!(outcome.diff, @r"
    --- a/etc/pages.conf
    +++ b/etc/pages.conf
    @@ -1,2 +1,2 @@
    -name mazet
    +name garrigue
     keep
    ");
    assert_eq!(fixture.read("root/etc/pages.conf").as_deref(), Some("name mazet\nkeep\n"));
    assert!(fixture.log().is_empty() && !fixture.path("root/srv/pages").exists());
}

#[test]
fn a_refusing_unit_brings_the_old_files_back_and_is_told_again() {
    let fixture = Fixture::new();
    fixture.put("enabled", "static");
    fixture.put("root/etc/pages.conf", "old\n");
    fixture.put("fails", "reload-or-restart pages.service");
    let error = fixture.apply_running().expect_err("refused");
    let text = format!("{error:#}");
    assert!(text.contains("pages.service") && text.contains("exit status: 1: no"), "{text}");
    assert_eq!(fixture.read("root/etc/pages.conf").as_deref(), Some("old\n"));
    assert_eq!(fixture.log(), ["try-reload-or-restart pages.service"; 2]);
}

#[test]
fn enabling_is_undone_when_a_later_step_fails() {
    let fixture = Fixture::new();
    fixture.put("fails", "enable --now pages.service");
    let error = fixture.apply_running().expect_err("refused");
    assert!(format!("{error:#}").starts_with("the new settings failed"), "{error:#}");
    assert_eq!(fixture.read("root/etc/pages.conf"), None);
    assert_eq!(fixture.log(), ["enable --now pages.service", "disable --now pages.service"]);
}

#[test]
fn a_service_that_is_switched_off_loses_its_files() {
    let fixture = Fixture::new();
    fixture.apply(false).expect("applied");
    fixture.put("root/srv/mazet/box.toml", &format!("disabled-services = [\"pages\"]\n{BOX}"));
    fixture.put("enabled", "enabled");
    let outcome = fixture.apply(false).expect("applied");
    assert_eq!(outcome.units, ["disable pages.service", "disable old.service"]);
    assert_eq!(fixture.read("root/etc/pages.conf"), None);
    assert!(fixture.path("root/srv/pages").exists(), "data stays");
}

#[test]
fn faulty_settings_are_refused_with_all_their_faults() {
    let fixture = Fixture::new();
    let faulty = BOX.replace("garrigue", "La Garrigue").replace("Les Amis", "");
    fixture.put("root/srv/mazet/box.toml", &faulty);
    let error = fixture.apply(false).expect_err("faulty");
    let faulty: &Faulty = error.downcast_ref().expect("typed");
    assert_eq!(faulty.faults.len(), 2, "{faulty}");
    assert_eq!(fixture.read("root/etc/pages.conf"), None);
}

#[test]
fn a_key_that_nobody_knows_is_shown_with_its_place() {
    let fixture = Fixture::new();
    fixture.put("root/srv/mazet/box.toml", &BOX.replace("[organisation]", "[organization]"));
    let error = fixture.apply(false).expect_err("faulty");
    assert!(error.to_string().contains("unknown field `organization`"), "{error}");
    assert!(error.to_string().contains("line 6, column"), "{error}");
}

#[test]
fn a_group_that_the_tree_lacks_is_named() {
    let fixture = Fixture::new();
    let manifest = MANIFEST.replace("mode = \"0640\"", "mode = \"0640\"\ngroup = \"pages\"");
    fixture.put("root/usr/share/mazet/services/pages.toml", &manifest);
    fixture.put("root/etc/group", "root:x:0:\n");
    let error = fixture.apply(false).expect_err("no such group");
    assert!(error.to_string().ends_with("has no \"pages\""), "{error}");
    assert!(files::group_id(Path::new("/"), "root").is_ok());
}
