//! Sites added and removed in a temporary tree, with programs that write down what they were asked.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use mazet_model::settings::Language;
use tempfile::TempDir;

use super::order::{Administrator, Busy, Desk, NewSite, Order, Refused, carry_out, give, last, now};
use super::{Site, archive, state};
use crate::run::Runner;

const KIND: &str = r#"
[service]
name = "blog"
title = { fr = "Blog", en = "Blog" }
summary = { fr = "Un blog.", en = "A blog." }
[site]
user = true
install = "blog-install@{{site.name}}.service"
entrance = "admin/"
pause = ["php@{{site.name}}.service"]
[[site.folder]]
path = "{{site.home}}"
mode = "0710"
owner = "{{site.user}}"
group = "{{site.user}}"
[[site.unit]]
name = "php@{{site.name}}.socket"
[[site.template]]
source = "pool.conf.hbs"
target = "/etc/blog/{{site.name}}.conf"
[site.backup]
copy = ["{{site.home}}"]
"#;

const PAGES: &str = r#"
[service]
name = "pages"
title = { fr = "Pages", en = "Pages" }
summary = { fr = "Des pages.", en = "Pages." }
[site]
publishes = "/srv/files/{{site.organisation}}"
"#;

/// Its folder is made where it is not there; MAKER stands for a program of the test's.
const MADE: &str = r#"
[service]
name = "made"
title = { fr = "Pages", en = "Pages" }
summary = { fr = "Des pages.", en = "Pages." }
[site]
publishes = "/srv/files/{{site.organisation}}"
prepare = ["MAKER", "{{site.organisation}}", "{{site.published}}", "{{site.language}}"]
"#;

/// What it keeps elsewhere is put into its folder, taken from there, and removed by units.
const WIKI: &str = r#"
[service]
name = "wiki"
title = { fr = "Wiki", en = "Wiki" }
summary = { fr = "Un wiki.", en = "A wiki." }
[site]
pause = ["php@{{site.name}}.service"]
dump = "dump@{{site.name}}.service"
load = "load@{{site.name}}.service"
remove = "forget@{{site.name}}.service"
[[site.folder]]
path = "{{site.home}}"
mode = "0710"
[[site.unit]]
name = "php@{{site.name}}.socket"
[site.backup]
copy = ["{{site.home}}"]
"#;

const BOX: &str = "[box]\nname = \"garrigue\"\nlanguage = \"fr\"\ntimezone = \"Europe/Paris\"\n\
    [organisation]\nname = \"Les Amis\"\n[operator]\nname = \"Ada\"\nlogin = \"ada\"\n";

const IMAGE: &str = r#"{"name":"pc","version":"0","release":"trixie","architecture":"amd64",
"hardware":"pc","services":["blog","pages","made","wiki"],"kernel":"6","kernel_arguments":[],"volume_id":"12ab34cd",
"digest":"","layers":[],"unpacked_bytes":0}"#;

/// A box in a temporary folder. Its systemctl fails at what the file `fails` holds, and keeps a copy of every
/// credential that is there when it is asked; its useradd and userdel keep `passwd` and `group`.
struct Fixture {
    folder: TempDir,
}

impl Fixture {
    fn new() -> Self {
        let fixture = Self { folder: tempfile::tempdir().expect("temporary folder") };
        fixture.put("root/usr/share/mazet/image.json", IMAGE);
        fixture.put("root/usr/share/mazet/services/blog.toml", KIND);
        fixture.put("root/usr/share/mazet/services/pages.toml", PAGES);
        fixture.put("root/usr/share/mazet/services/wiki.toml", WIKI);
        fixture
            .put("root/usr/share/mazet/overlays/blog/pool.conf.hbs", "user = {{site.user}} {{box.name}}\n");
        fixture.put("root/srv/mazet/box.toml", BOX);
        fixture.put("root/etc/passwd", "root:x:0:0::/root:/bin/sh\n");
        fixture.put("root/etc/group", "root:x:0:\n");
        fixture.put("fails", "nothing");
        fixture.put("log", "");
        let here = fixture.folder.path().display().to_string();
        fixture.put(
            "root/usr/share/mazet/services/made.toml",
            &MADE.replace("MAKER", &format!("{here}/bin/maker")),
        );
        fixture.program(
            "maker",
            &format!(
                "echo \"make $*\" >> {here}/log\n[ \"$2\" != Refused ] || {{ echo no room >&2; exit 1; }}\n\
                 mkdir -p \"{here}/root/srv/files/$1/$2\"\n"
            ),
        );
        fixture.program(
            "systemctl",
            &format!(
                "case \"$*\" in *is-enabled*) echo disabled; exit 1;; esac\necho \"$*\" >> {here}/log\n\
                 cat {here}/run/*.json >> {here}/credentials 2>/dev/null\n\
                 case \"$*\" in *\"$(cat {here}/fails)\"*) echo no >&2; exit 1;; esac\nexit 0\n"
            ),
        );
        let last = "for last; do :; done\n";
        fixture.program(
            "useradd",
            &format!("{last}echo \"useradd $last\" >> {here}/log\necho \"$last:x:20001:20001::/:/\" >> {here}/root/etc/passwd\n"),
        );
        fixture.program("groupadd", &format!("{last}echo \"$last:x:20001:\" >> {here}/root/etc/group\n"));
        fixture.program(
            "userdel",
            &format!(
                "{last}echo \"userdel $last\" >> {here}/log\nsed -i \"/^$last:/d\" {here}/root/etc/passwd\n"
            ),
        );
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

    fn program(&self, name: &str, script: &str) {
        let path = format!("bin/{name}");
        self.put(&path, &format!("#!/bin/sh\n{script}"));
        fs::set_permissions(self.path(&path), fs::Permissions::from_mode(0o755)).expect("mode");
    }

    fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.path(path)).ok()
    }

    fn root(&self) -> PathBuf {
        self.path("root")
    }

    fn runner(&self) -> Runner {
        Runner::from_folder(self.path("bin"))
    }

    fn desk(&self) -> Desk {
        Desk::below(self.folder.path())
    }

    fn now(&self, order: &Order) -> anyhow::Result<()> {
        now(&self.desk(), order, &self.runner())
    }

    fn sites(&self) -> Vec<Site> {
        state(&self.root(), &self.desk()).expect("known").sites
    }

    fn log(&self) -> String {
        let root = self.root().display().to_string();
        self.read("log").unwrap_or_default().replace(&root, "ROOT")
    }
}

fn add(name: &str) -> Order {
    let site =
        NewSite { name: name.to_owned(), kind: "blog".to_owned(), organisation: 1, ..NewSite::default() };
    Order::Add { site, administrator: administrator() }
}

fn pages(folder: &str) -> Order {
    let site = NewSite {
        name: "vitrine".to_owned(),
        kind: "pages".to_owned(),
        organisation: 1,
        domain: None,
        folder: Some(folder.to_owned()),
    };
    Order::Add { site, administrator: administrator() }
}

fn administrator() -> Administrator {
    Administrator {
        login: "zoe".to_owned(),
        name: "Zoé".to_owned(),
        contact: String::new(),
        language: Language::Fr,
        password: "ABCD-EFGH-JKMN-PQRS".to_owned(),
    }
}

#[test]
fn a_site_is_added_with_a_user_and_an_administrator_whose_password_stays_nowhere() {
    let fixture = Fixture::new();
    fixture.now(&add("amis")).expect("added");
    let site = fixture.sites().remove(0);
    assert_eq!((site.id, site.address.as_str()), (1, "https://garrigue.local:20001/"));
    assert_eq!(site.entrance.as_deref(), Some("https://garrigue.local:20001/admin/"));
    assert_eq!(fixture.read("root/etc/blog/amis.conf").as_deref(), Some("user = site-amis garrigue\n"));
    assert!(fixture.path("root/srv/sites/amis").is_dir());
    let log = fixture.log();
    assert_eq!(
        log,
        "useradd site-amis\n--root=ROOT enable php@amis.socket\nstart blog-install@amis.service\n"
    );
    let credential = fixture.read("credentials").expect("the installer had one");
    assert!(credential.contains("ABCD-EFGH") && credential.contains("https://garrigue.local:20001/"));
    fs::remove_file(fixture.path("credentials")).expect("removed");
    for file in crate::install::files_below(fixture.folder.path()).expect("listed") {
        let text = fs::read(fixture.folder.path().join(&file.0)).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&text).contains("ABCD-EFGH"), "{:?}", file.0);
    }
    fixture.now(&add("rando")).expect("added");
    assert_eq!(fixture.sites()[1].id, 2);
}

#[test]
fn a_site_that_cannot_be_installed_leaves_nothing() {
    let fixture = Fixture::new();
    fixture.put("fails", "start blog-install@amis.service");
    let error = fixture.now(&add("amis")).expect_err("failed");
    assert!(format!("{error:#}").contains("is gone again"), "{error:#}");
    assert_eq!(fixture.sites(), []);
    assert!(
        !fixture.path("root/srv/sites/amis").exists() && !fixture.path("root/etc/blog/amis.conf").exists()
    );
    assert!(!fixture.path("run/amis.json").exists());
    assert!(fixture.log().ends_with("userdel site-amis\n"), "{}", fixture.log());
}

#[test]
fn a_removed_site_leaves_nothing() {
    let fixture = Fixture::new();
    fixture.now(&add("amis")).expect("added");
    fixture.put("root/srv/sites/amis/base.sqlite", "x");
    fixture.now(&Order::BackUp { id: 1 }).expect("archived");
    assert_eq!(fixture.sites()[0].archives.len(), 1);
    // What systemd's own link tells.
    fixture.put("root/etc/systemd/system/sockets.target.wants/php@amis.socket", "");
    fixture.put("log", "");
    fixture.now(&Order::Remove { id: 1 }).expect("removed");
    for gone in ["srv/sites/amis", "srv/site-archives/amis", "etc/blog/amis.conf"] {
        assert!(!fixture.path("root").join(gone).exists(), "{gone}");
    }
    assert!(!fixture.read("root/srv/mazet/box.toml").expect("settings").contains("amis"));
    assert_eq!(fixture.log(), "--root=ROOT disable php@amis.socket\nuserdel site-amis\n");
    assert!(fixture.now(&Order::Remove { id: 1 }).is_err());
}

#[test]
fn a_site_is_stopped_while_it_becomes_what_it_was() {
    let fixture = Fixture::new();
    fixture.now(&add("amis")).expect("added");
    fixture.put("root/srv/sites/amis/base.sqlite", "old");
    fixture.now(&Order::BackUp { id: 1 }).expect("archived");
    fixture.put("root/srv/sites/amis/base.sqlite", "new");
    fixture.put("log", "");
    let at = fixture.sites()[0].archives[0].at;
    fixture.now(&Order::Restore { id: 1, archive: at }).expect("restored");
    assert_eq!(fixture.read("root/srv/sites/amis/base.sqlite").as_deref(), Some("old"));
    assert_eq!(fixture.log(), "stop php@amis.service\nstop php@amis.socket\nstart php@amis.socket\n");
    assert!(fixture.now(&Order::Restore { id: 1, archive: 1 }).is_err());
    archive::forget(&fixture.root(), "amis", at).expect("forgotten");
    assert_eq!(fixture.sites()[0].archives, []);
}

/// A box with a site that keeps something elsewhere, and nothing in the log.
fn wiki() -> Fixture {
    let fixture = Fixture::new();
    let Order::Add { site, administrator } = add("amis") else { panic!("another order") };
    let site = NewSite { kind: "wiki".to_owned(), ..site };
    fixture.now(&Order::Add { site, administrator }).expect("added");
    fixture.put("root/srv/sites/amis/page", "old");
    fixture.put("log", "");
    fixture
}

#[test]
fn what_a_site_keeps_elsewhere_is_in_its_archive_for_that_moment_alone() {
    let fixture = wiki();
    fixture.now(&Order::BackUp { id: 1 }).expect("archived");
    let around = |inner: &str| format!("stop php@amis.service\n{inner}start php@amis.socket\n");
    assert_eq!(fixture.log(), around("start dump@amis.service\nstop dump@amis.service\n"));
    fixture.put("fails", "start dump@amis.service");
    fixture.put("log", "");
    let error = fixture.now(&Order::BackUp { id: 1 }).expect_err("failed");
    assert!(format!("{error:#}").contains("dump@amis.service"), "{error:#}");
    assert_eq!(fixture.log(), around("start dump@amis.service\nstop dump@amis.service\n"));
    assert_eq!(fixture.sites()[0].archives.len(), 1);
}

#[test]
fn a_site_whose_archive_cannot_be_taken_back_elsewhere_stays_as_it_was() {
    let fixture = wiki();
    fixture.now(&Order::BackUp { id: 1 }).expect("archived");
    let at = fixture.sites()[0].archives[0].at;
    fixture.put("root/srv/sites/amis/page", "new");
    fixture.put("fails", "start load@amis.service");
    fixture.put("log", "");
    let error = fixture.now(&Order::Restore { id: 1, archive: at }).expect_err("failed");
    assert!(format!("{error:#}").contains("load@amis.service"), "{error:#}");
    assert_eq!(fixture.read("root/srv/sites/amis/page").as_deref(), Some("new"));
    assert!(fixture.log().ends_with("start php@amis.socket\n"), "{}", fixture.log());
    fixture.put("fails", "nothing");
    fixture.put("log", "");
    fixture.now(&Order::Restore { id: 1, archive: at }).expect("restored");
    assert_eq!(fixture.read("root/srv/sites/amis/page").as_deref(), Some("old"));
    assert_eq!(
        fixture.log(),
        "stop php@amis.service\nstop php@amis.socket\nstart load@amis.service\nstart php@amis.socket\n"
    );
}

#[test]
fn what_a_site_keeps_elsewhere_goes_before_it_and_may_be_asked_twice() {
    let fixture = wiki();
    fixture.put("fails", "start forget@amis.service");
    assert!(fixture.now(&Order::Remove { id: 1 }).is_err());
    assert_eq!(fixture.sites().len(), 1);
    assert_eq!(fixture.read("root/srv/sites/amis/page").as_deref(), Some("old"));
    fixture.put("fails", "nothing");
    fixture.put("log", "");
    fixture.now(&Order::Remove { id: 1 }).expect("removed");
    let begin = "stop php@amis.service\nstop php@amis.socket\nstart forget@amis.service\n";
    assert!(fixture.log().starts_with(begin), "{}", fixture.log());
    assert!(fixture.sites().is_empty() && !fixture.path("root/srv/sites/amis").exists());
}

fn refused(fixture: &Fixture, order: &Order) -> Vec<String> {
    let error = fixture.now(order).expect_err("refused");
    let Refused(faults) = error.downcast().expect("a person can mend it");
    faults.into_iter().map(|fault| fault.key).collect()
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_done() {
    let fixture = Fixture::new();
    assert_eq!(refused(&fixture, &add("../etc")), ["site_name"]);
    assert_eq!(refused(&fixture, &pages("Site web")), ["site_folder_none"]);
    assert_eq!(refused(&fixture, &pages("../../mazet")), ["site_folder"]);
    fs::create_dir_all(fixture.path("root/srv/files/1")).expect("made");
    std::os::unix::fs::symlink("/etc", fixture.path("root/srv/files/1/lien")).expect("linked");
    assert_eq!(refused(&fixture, &pages("lien")), ["site_folder_none"]);
    fs::create_dir_all(fixture.path("root/srv/files/1/Été/Site web")).expect("made");
    fixture.now(&pages("Été/Site web")).expect("added");
    fixture.put("root/srv/files/1/vitrine", "");
    assert_eq!(refused(&fixture, &pages("Été/Site web")), ["site_name_twice"]);
    assert_eq!(fixture.log(), "");
}

fn made(name: &str, folder: &str) -> Order {
    let Order::Add { site, administrator } = pages(folder) else { panic!("another order") };
    Order::Add { site: NewSite { name: name.to_owned(), kind: "made".to_owned(), ..site }, administrator }
}

#[test]
fn a_folder_that_is_not_there_is_made_by_who_keeps_it() {
    let fixture = Fixture::new();
    fs::create_dir_all(fixture.path("root/srv/files/1")).expect("made");
    fixture.now(&made("ete", "Été/Site web")).expect("added");
    assert_eq!(fixture.log(), "make 1 Été/Site web fr\n");
    fixture.now(&made("encore", "Été/Site web")).expect("added");
    assert_eq!(fixture.log(), "make 1 Été/Site web fr\n", "one that is there is left alone");
    std::os::unix::fs::symlink("/etc", fixture.path("root/srv/files/1/lien")).expect("linked");
    std::os::unix::fs::symlink("/nowhere", fixture.path("root/srv/files/1/perdu")).expect("linked");
    fixture.put("root/srv/files/1/notes.txt", "");
    for other in ["lien", "perdu", "notes.txt", "notes.txt/site"] {
        assert_eq!(refused(&fixture, &made("autre", other)), ["site_folder_none"], "{other}");
    }
    for bad in ["../2", ".cache", "a/../b", ""] {
        assert_eq!(refused(&fixture, &made("autre", bad)), ["site_folder"], "{bad}");
    }
    let error = fixture.now(&made("autre", "Refused")).expect_err("failed");
    assert!(format!("{error:#}").contains("no room"), "{error:#}");
    assert_eq!(fixture.sites().len(), 2);
}

#[test]
fn an_order_is_written_down_carried_out_once_and_told_of() {
    let fixture = Fixture::new();
    let (desk, runner) = (fixture.desk(), fixture.runner());
    give(&desk, &add("amis"), &runner).expect("ordered");
    assert_eq!(fixture.log(), "start --no-block mazet-websites.service\n");
    assert!(last(&desk).running);
    let mode = fs::metadata(fixture.path("run/order.json")).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(give(&desk, &add("rando"), &runner).expect_err("busy").is::<Busy>());
    carry_out(&desk, &runner).expect("carried out");
    let told = last(&desk);
    assert_eq!((told.running, told.act.as_str(), told.site.as_str()), (false, "add", "amis"));
    assert_eq!((told.error, fixture.sites().len()), (None, 1));
    assert!(!fixture.path("run/order.json").exists() && carry_out(&desk, &runner).is_err());
    fixture.put("fails", "stop php@amis.service");
    give(&desk, &Order::BackUp { id: 1 }, &runner).expect("ordered");
    assert!(carry_out(&desk, &runner).is_err());
    assert!(last(&desk).error.is_some_and(|error| error.contains("php@amis.service")));
}

#[test]
fn numbers_are_not_given_again_while_folders_of_theirs_lie_there() {
    let fixture = Fixture::new();
    let folder = fixture.path("root/srv/sites/left");
    fs::create_dir_all(&folder).expect("made");
    std::os::unix::fs::chown(&folder, Some(20_041), None).expect("given");
    assert_eq!(super::tree::numbers(&fixture.path("root/srv/sites"), 20_000), [41]);
    fixture.now(&add("amis")).expect("added");
    assert_eq!(fixture.sites()[0].id, 42);
}
