//! The whole way, with restic and PostgreSQL: a box's data, backed up, proven, lost, and put back.
//!
//! The box is a folder with a cluster whose server was killed: its files are as a snapshot, or a power cut, would leave
//! them. Programs are those of the tree that `MAZET_TEST_PREFIX` enters, else the host's. Without restic, a test
//! fails.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use crate::check;
use crate::cluster::{Cluster, Use};
use crate::engine;
use crate::fault::{Fault, Why};
use crate::key::Key;
use crate::opened::Opened;
use crate::picture::Way;
use crate::places::Places;
use crate::prove;
use crate::restic::{Keys, Repository};
use crate::restore::{self, Step};
use crate::state::Status;
use crate::target::{self, Place};
use crate::tools::Tools;
use mazet_host::files;

/// What the box has in its databases.
const FILLED: &str = "create role keeper login; create role reader;
    create database people owner keeper; create database \"Sites 2\";";
const PEOPLE: &str = "set role keeper; create schema own; create table own.person (id serial primary key, name text, at timestamptz);
    insert into own.person (name, at) select 'person ' || n, to_timestamp(n) from generate_series(1, 1000) n;
    grant usage on schema own to reader; grant select on own.person to reader; create table own.empty (n int);";

fn tools() -> Tools {
    let prefix = std::env::var("MAZET_TEST_PREFIX").unwrap_or_default();
    Tools::within(prefix.lines().map(str::to_owned).collect())
}

/// Bytes that nothing compresses.
fn noise(count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    getrandom::fill(&mut bytes).expect("random bytes");
    bytes
}

struct Box {
    tools: Tools,
    /// Gone at the end.
    folder: PathBuf,
    places: Places,
}

impl Box {
    /// One with people, files, and a place for its backups.
    fn new() -> Self {
        let made = tempfile::Builder::new().prefix("mazet-backup-").tempdir().expect("a folder");
        // The database's administrator is somebody else, where these tests run as root.
        fs::set_permissions(made.path(), fs::Permissions::from_mode(0o755)).expect("set");
        // What is in it belongs to several.
        let folder = made.keep();
        let data = folder.join("root/srv");
        let places = Places {
            root: folder.join("root"),
            state: folder.join("state"),
            secrets: data.join("mazet/secrets"),
            run: folder.join("run"),
            data,
        };
        let one = Self { tools: tools(), folder, places };
        one.describe();
        one.fill();
        one.add_place("0a1b", &one.folder.join("repository"));
        one
    }

    /// Image, settings, manifests.
    fn describe(&self) {
        let write = |path: &str, text: &str| {
            let path = self.places.root.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
        };
        let mut settings = mazet_model::settings::Settings::live();
        settings.machine.name = "lavande".to_owned();
        write("srv/mazet/box.toml", &toml::to_string(&settings).expect("settings"));
        write(
            "usr/share/mazet/image.json",
            r#"{"name":"pc","version":"0.1.0","release":"trixie","architecture":"amd64","hardware":"pc",
                "services":["people","notes"],"kernel":"6","kernel_arguments":[],"volume_id":"00000000","digest":"",
                "layers":[],"unpacked_bytes":0}"#,
        );
        let manifest = |name: &str, backup: &str| {
            let text = format!(
                "[service]\nname = \"{name}\"\ntitle = {{ fr = \"T\", en = \"T\" }}\nsummary = {{ fr = \"S\", en = \"S\" }}\n{backup}"
            );
            write(&format!("usr/share/mazet/services/{name}.toml"), &text);
        };
        manifest("people", "[backup]\ndump = [\"people\", \"Sites 2\"]\n");
        manifest("notes", "[backup]\ncopy = [\"/srv/notes\", \"/srv/not-made-yet\"]\n");
    }

    /// Files of all kinds, and databases whose server was killed.
    fn fill(&self) {
        let notes = self.places.data.join("notes/é");
        fs::create_dir_all(&notes).expect("made");
        fs::write(notes.join("one"), noise(300_000)).expect("written");
        fs::write(notes.join("two"), "two").expect("written");
        fs::set_permissions(notes.join("two"), fs::Permissions::from_mode(0o640)).expect("set");
        symlink("two", notes.join("link")).expect("made");
        fs::create_dir_all(self.places.data.join("nobody-copies-this")).expect("made");
        let cluster = self.places.data.join("postgresql/17/main");
        let run = self.folder.join("first");
        let server = Cluster::start(&self.tools, &cluster, &run, Use::ThrownAway).expect("a server");
        for (database, statements) in [("postgres", FILLED), ("people", PEOPLE)] {
            sql(&server, database, statements);
        }
        server.stop().expect("killed");
    }

    fn add_place(&self, id: &str, folder: &Path) {
        let kept = target::folder(&self.places.secrets, "folder");
        files::make_folder(&kept, 0o700).expect("made");
        let place = Place::Folder { path: folder.to_owned() };
        files::write_json(&kept.join(format!("{id}.json")), &place).expect("written");
    }

    fn status(&self) -> crate::state::Target {
        Status::read(&self.places.state).expect("read").targets["0a1b"].clone()
    }

    fn back_up(&self) {
        fs::create_dir_all(&self.places.run).expect("made");
        engine::run(&self.tools, &self.places, Way::Copy).expect("backed up");
    }

    /// What somebody has who has a place and the key alone.
    fn stranger(&self) -> Keys {
        let password = self.folder.join("typed");
        let key = Key::of_box(&self.places.key()).expect("a key");
        files::write(&password, key.text().as_bytes()).expect("written");
        Keys { password, ssh: "/none".into(), known_hosts: "/none".into(), cache: None }
    }

    fn repository(&self, keys: &Keys) -> Repository<'_> {
        let place = Place::Folder { path: self.folder.join("repository") };
        Opened::reach(&self.tools, &place, keys, &self.places.run).expect("reached").repository
    }
}

impl Drop for Box {
    fn drop(&mut self) {
        let _ = self.tools.remove(&self.folder);
    }
}

fn sql(server: &Cluster<'_>, database: &str, statements: &str) -> String {
    let mut command = server.program("psql");
    command.args([
        "--no-psqlrc",
        "--quiet",
        "--tuples-only",
        "--no-align",
        "--set=ON_ERROR_STOP=1",
        "--dbname",
        database,
    ]);
    // Databases cannot be made within one transaction: each statement is its own.
    for statement in statements.split(";\n").flat_map(|line| line.split("; ")) {
        command.arg("--command").arg(statement);
    }
    mazet_host::run::said(&mut command, "filling a database").expect("done")
}

#[test]
fn a_lost_box_comes_back_as_it_was() {
    let one = Box::new();
    one.back_up();
    let done = one.status();
    assert_eq!((done.last.expect("a try").fault, done.room.is_some()), (None, true));
    let good = done.good.expect("a backup");
    assert!(good.bytes > 300_000 && good.added > 0);
    assert!(!one.places.state.join("picture").exists());

    // Everything is lost but the place and the key.
    let keys = one.stranger();
    let lost = one.folder.join("lost");
    fs::rename(&one.places.data, &lost).expect("lost");
    let into = one.folder.join("new");
    fs::create_dir(&into).expect("made");
    let repository = one.repository(&keys);
    let found = restore::find(&repository, None).expect("a backup");
    assert_eq!((found.record.name.as_str(), found.record.databases.len()), ("lavande", 2));
    assert!(found.record.space() > 300_000);
    let mut steps = Vec::new();
    let differences =
        restore::restore(&one.tools, &repository, &found, (&into, &one.places.run), Use::Kept, |step| {
            steps.push(step.clone());
            Ok(())
        });
    assert_eq!(differences.expect("restored").told, Vec::<String>::new());
    assert!(steps.contains(&Step::Database("people".to_owned())) && steps.last() == Some(&Step::Comparing));

    let note = into.join("notes/é/two");
    assert_eq!(fs::read_to_string(&note).expect("there"), "two");
    assert_eq!(fs::metadata(&note).expect("there").permissions().mode() & 0o777, 0o640);
    let modified = |path: &Path| fs::metadata(path).expect("there").modified().expect("a date");
    assert_eq!(modified(&note), modified(&lost.join("notes/é/two")));
    assert!(into.join("mazet/box.toml").exists() && into.join("mazet/secrets/backup/key").exists());
    assert!(!into.join("nobody-copies-this").exists() && !into.join(".mazet-backup").exists());
    assert!(!into.join("mazet-backup/restore.json").exists());

    let version = fs::read_dir(into.join("postgresql")).expect("there").next().expect("one").expect("one");
    let server =
        Cluster::start(&one.tools, &version.path().join("main"), &one.folder.join("again"), Use::ThrownAway);
    let server = server.expect("a server");
    assert_eq!(
        sql(&server, "people", "set role reader; select count(*), max(name) from own.person"),
        "1000|person 999\n"
    );
    assert_eq!(
        sql(&server, "people", "select pg_get_userbyid(datdba) from pg_database where datname = 'people'"),
        "keeper\n"
    );
}

#[test]
fn a_second_backup_adds_what_changed() {
    let one = Box::new();
    one.back_up();
    let first = one.status().good.expect("a backup");
    fs::write(one.places.data.join("notes/new"), "new").expect("written");
    one.back_up();
    let done = one.status();
    let second = done.good.clone().expect("a backup");
    assert_ne!(second.snapshot, first.snapshot);
    assert_eq!(second.files, first.files + 1);
    assert!(second.added < first.added / 2, "{} after {}", second.added, first.added);
    assert_eq!(done.history.len(), 2);
    assert!(done.size.expect("a size") > 0 && done.pruned.expect("pruned").fault.is_none());
    let targets = target::all(&one.places.secrets).expect("places");
    let mut status = Status::read(&one.places.state).expect("read");
    // How full the disk of this machine is, is its own affair.
    status.targets.values_mut().for_each(|target| target.room = None);
    check::check(&status, &targets, 0, files::now()).expect("well");
}

#[test]
fn a_proof_passes_and_one_of_a_damaged_place_does_not() {
    let one = Box::new();
    one.back_up();
    prove::run(&one.tools, &one.places).expect("proven");
    let done = one.status();
    let proof = done.proof.expect("a proof");
    assert!(proof.passed() && proof.rows == 1000 && proof.files > 5);
    assert_eq!(proof.of, Some(done.good.expect("a backup").at));
    assert!(!one.places.state.join("proof").exists());

    for pack in packs(&one.folder.join("repository/data")) {
        fs::set_permissions(&pack, fs::Permissions::from_mode(0o600)).expect("set");
        let mut content = fs::read(&pack).expect("read");
        content.iter_mut().for_each(|byte| *byte ^= 1);
        fs::write(&pack, content).expect("written");
    }
    prove::run(&one.tools, &one.places).expect_err("damaged");
    let targets = target::all(&one.places.secrets).expect("places");
    let status = Status::read(&one.places.state).expect("read");
    assert!(!status.targets["0a1b"].proof.as_ref().is_some_and(crate::state::Proof::passed));
    check::check(&status, &targets, 0, files::now()).expect_err("told");
}

fn packs(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { packs(&path) } else { vec![path] }).collect()
}

#[test]
fn a_restore_goes_on_where_it_was_interrupted() {
    let one = Box::new();
    one.back_up();
    let (keys, into) = (one.stranger(), one.folder.join("new"));
    fs::create_dir(&into).expect("made");
    let repository = one.repository(&keys);
    let found = restore::find(&repository, None).expect("a backup");
    let run = one.places.run.as_path();
    let mut loaded = Vec::new();
    let mut go = |stop_after: usize| {
        let mut databases = Vec::new();
        let result = restore::restore(&one.tools, &repository, &found, (&into, run), Use::Kept, |step| {
            if let Step::Database(name) = step {
                databases.push(name.clone());
                anyhow::ensure!(databases.len() < stop_after, "the power is gone");
            }
            Ok(())
        });
        loaded.push(databases);
        result
    };
    let error = go(1).expect_err("interrupted").to_string();
    assert!(error.contains("the power is gone"), "{error}");
    assert!(into.join("mazet-backup/restore.json").exists());
    // As a power cut leaves a file that was not whole.
    fs::write(into.join("notes/é/one"), "half").expect("written");
    let note = fs::read_to_string(into.join("mazet-backup/restore.json")).expect("a note");
    fs::write(into.join("mazet-backup/restore.json"), note.replace("\"files\": true", "\"files\": false"))
        .expect("written");
    assert_eq!(go(9).expect("restored").told, Vec::<String>::new());
    assert_eq!(loaded, [vec!["Sites 2".to_owned()], vec!["people".to_owned()]]);
    assert_eq!(fs::read(into.join("notes/é/one")).expect("there").len(), 300_000);
}

#[test]
fn what_is_wrong_is_refused_without_harm() {
    let one = Box::new();
    one.back_up();
    let keys = one.stranger();
    let why = |place: &Path, keys: &Keys| {
        let place = Place::Folder { path: place.to_owned() };
        let opened = Opened::reach(&one.tools, &place, keys, &one.places.run).expect("reached");
        Fault::of(&restore::find(&opened.repository, None).expect_err("refused")).why
    };
    let empty = one.folder.join("elsewhere");
    assert_eq!(why(&empty, &keys), Why::Empty);
    assert!(!empty.exists());
    let wrong = Keys { password: one.folder.join("wrong"), ..keys.clone() };
    files::write(&wrong.password, Key::new([1; 20]).text().as_bytes()).expect("written");
    assert_eq!(why(&one.folder.join("repository"), &wrong), Why::Key);

    let repository = one.repository(&keys);
    let found = restore::find(&repository, None).expect("a backup");
    let into = one.folder.join("used");
    fs::create_dir(&into).expect("made");
    fs::write(into.join("mine"), "mine").expect("written");
    let restore = |found: &restore::Found| {
        let into = (into.as_path(), one.places.run.as_path());
        restore::restore(&one.tools, &repository, found, into, Use::Kept, |_| Ok(()))
            .expect_err("refused")
            .to_string()
    };
    assert!(restore(&found).contains("is not empty (mine)"));
    fs::remove_file(into.join("mine")).expect("removed");
    let mut large = found.clone();
    large.record.files.bytes = 1 << 60;
    assert!(restore(&large).contains("are missing"), "{}", restore(&large));
    assert_eq!(fs::read_dir(&into).expect("there").count(), 0);
}

#[test]
fn a_place_that_fails_does_not_keep_the_others_from_their_backup() {
    let one = Box::new();
    one.add_place("ffff", Path::new("/proc/nowhere"));
    fs::create_dir_all(&one.places.run).expect("made");
    engine::run(&one.tools, &one.places, Way::Copy).expect("backed up");
    assert!(one.status().good.is_some());
    let targets = target::all(&one.places.secrets).expect("places");
    let status = Status::read(&one.places.state).expect("read");
    assert!(status.targets["ffff"].good.is_none());
    let told = check::check(&status, &targets, 0, files::now()).expect_err("told").to_string();
    assert!(told.contains("/proc/nowhere: no good backup for a day"), "{told}");
    // Alone, it is an error.
    fs::remove_file(target::folder(&one.places.secrets, "folder").join("0a1b.json")).expect("removed");
    let error = engine::run(&one.tools, &one.places, Way::Copy).expect_err("told").to_string();
    assert!(error.contains("/proc/nowhere"), "{error}");
    assert!(!Status::read(&one.places.state).expect("read").targets.contains_key("0a1b"));
}

#[test]
fn a_cluster_that_was_half_made_is_made_anew() {
    let one = Box::new();
    one.back_up();
    let (keys, into) = (one.stranger(), one.folder.join("new"));
    fs::create_dir(&into).expect("made");
    let repository = one.repository(&keys);
    let found = restore::find(&repository, None).expect("a backup");
    let restore = |stop: &Step| {
        let into = (into.as_path(), one.places.run.as_path());
        restore::restore(&one.tools, &repository, &found, into, Use::Kept, |step| {
            anyhow::ensure!(step != stop, "the power is gone");
            Ok(())
        })
    };
    restore(&Step::Database("Sites 2".to_owned())).expect_err("interrupted");
    // As if it had been earlier, when initdb had begun.
    let path = into.join("mazet-backup/restore.json");
    let note = fs::read_to_string(&path).expect("a note").replace("\"cluster\": true", "\"cluster\": false");
    fs::write(&path, note).expect("written");
    let version = fs::read_dir(into.join("postgresql")).expect("there").next().expect("one").expect("one");
    fs::remove_file(version.path().join("main.restored/global/pg_filenode.map")).expect("removed");
    let differences = restore(&Step::Database("none".to_owned())).expect("restored");
    assert_eq!(differences.told, Vec::<String>::new());
}
