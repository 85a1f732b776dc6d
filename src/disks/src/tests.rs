//! The whole way on loop devices: a mirror loses a disk, gets another one, and what is there twice is merged.
//!
//! It needs root, loop devices, and the programs of `firmware`'s box (btrfs, duperemove, lsblk, losetup, mkfs.btrfs):
//! `cargo test -p mazet-disks -- --ignored`. Programs of `mazetd` are stood in for: the disks have no partitions.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::{FileExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use mazet_host::files;
use mazet_model::check::check as check_recipe;
use mazet_model::fault::report;
use mazet_model::report::{Level, Line, Row};
use mazet_model::source::Sources;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use crate::merge::When;
use crate::places::Places;
use crate::progress::UnderWay;
use crate::state::{DAY, State};
use crate::tools::{Program, Tools};
use crate::{check, merge, page, replace, scrub, smart, watch};

/// Bytes of a disk; files with holes, they take what is written.
const DISK: u64 = 8 << 30;
/// Bytes of a file that is there four times.
const FILE: usize = 64 << 20;

/// Places below `folder`.
pub fn places(folder: &Path) -> Places {
    let at = |name: &str| folder.join(name);
    fs::create_dir_all(at("state")).expect("a folder");
    Places {
        root: at("root"),
        data: folder.to_owned(),
        state: at("state"),
        confirmed: at("confirmed"),
        loops: true,
    }
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().expect(program);
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

/// A file that is a disk, until it is dropped or pulled out.
struct Loop(String);

impl Loop {
    fn new(file: &Path, bytes: u64) -> Self {
        File::create(file).and_then(|disk| disk.set_len(bytes)).expect("a file");
        Self(run("losetup", &["--find", "--show", &file.to_string_lossy()]))
    }

    fn name(&self) -> &str {
        self.0.trim_start_matches("/dev/")
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let _ = Command::new("losetup").args(["--detach", &self.0]).status();
    }
}

struct Mounted(PathBuf);

impl Mounted {
    fn new(device: &str, point: &Path) -> Self {
        fs::create_dir_all(point).expect("a folder");
        mount(device, point, "btrfs", MountFlags::NOATIME, c"degraded").expect("mounted");
        Self(point.to_owned())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = unmount(&self.0, UnmountFlags::empty());
    }
}

/// The machine's programs, but for `mazetd` and systemd.
fn tools(folder: &Path) -> Tools {
    fs::create_dir_all(folder).expect("a folder");
    for program in ["btrfs", "duperemove", "lsblk", "smartctl"] {
        let path = run("sh", &["-c", &format!("command -v {program}")]);
        symlink(path, folder.join(program)).expect("linked");
    }
    let script = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("written");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("mode");
    };
    script("mazetd", &format!("echo \"$@\" >>{}/mazetd.log\necho \"/dev/$3\"", folder.display()));
    script("systemctl", "echo inactive");
    Tools::from_folder(folder.to_owned())
}

/// A box that has files, four times the same.
fn describe(places: &Places) {
    let write = |path: &Path, text: &str| {
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    };
    let settings = toml::to_string(&mazet_model::settings::Settings::live()).expect("settings");
    write(&places.root.join("srv/mazet/box.toml"), &settings);
    write(
        &places.root.join("usr/share/mazet/image.json"),
        r#"{"name":"pc","version":"0.1.0","release":"trixie","architecture":"amd64","hardware":"pc","services":["notes"],
            "kernel":"6","kernel_arguments":[],"volume_id":"00000000","digest":"","layers":[],"unpacked_bytes":0}"#,
    );
    write(
        &places.root.join("usr/share/mazet/services/notes.toml"),
        "[service]\nname = \"notes\"\ntitle = { fr = \"T\", en = \"T\" }\nsummary = { fr = \"S\", en = \"S\" }\n\
         [backup]\ncopy = [\"/srv/notes\"]\n",
    );
    let noise: Vec<u8> = (0..FILE as u64 / 8)
        // Knuth's MMIX generator: no two blocks are the same.
        .scan(1_u64, |state, _| {
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            Some(state.to_le_bytes())
        })
        .flatten()
        .collect();
    fs::create_dir_all(places.data.join("notes")).expect("made");
    for number in 0..4 {
        fs::write(places.data.join(format!("notes/{number}")), &noise).expect("written");
    }
}

fn checked(places: &Places) -> String {
    let state = State::read(&places.state).expect("a state");
    check::check(&state, files::now()).err().map(|error| error.to_string()).unwrap_or_default()
}

fn rows(tools: &Tools, places: &Places, page: &str) -> Vec<Row> {
    let row = |line| match line {
        Line::Row(row) => Some(row),
        _ => None,
    };
    page::lines(tools, places, page).expect("a page").into_iter().filter_map(row).collect()
}

#[test]
#[ignore = "needs root, loop devices and btrfs: cargo test -p mazet-disks -- --ignored"]
fn a_mirror_loses_a_disk_and_gets_another_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let tools = tools(&at("tools"));
    let mut places = places(folder.path());
    places.data = at("srv");
    let (one, two) = (Loop::new(&at("one"), DISK), Loop::new(&at("two"), DISK));
    run("mkfs.btrfs", &["--quiet", "--data", "raid1", "--metadata", "raid1", &one.0, &two.0]);

    let mounted = Mounted::new(&one.0, &places.data);
    describe(&places);
    watch::run(&tools, &places).expect("looked");
    smart::run(&tools, &places).expect("asked");
    assert_eq!(checked(&places), "");
    assert_eq!(rows(&tools, &places, "overview")[0].level, Level::Good);

    merge::run(&tools, &places, When::Always).expect("merged");
    let merged = State::read(&places.state).expect("a state").merge.expect("merged");
    println!("merging: {} bytes before, {} after", merged.before, merged.after);
    assert!(merged.saved >= 3 * FILE as u64 - (1 << 20), "{merged:?}");

    // A disk that gives back something else: the other one puts it right, and the count stays until it is noted.
    drop(mounted);
    damage(&at("two"));
    let mounted = Mounted::new(&one.0, &places.data);
    scrub::run(&tools, &places).expect("scrubbed");
    let scrubbed = State::read(&places.state).expect("a state").scrub.expect("scrubbed");
    println!("scrub: {} corrected, {} not", scrubbed.corrected, scrubbed.uncorrectable);
    assert!(scrubbed.corrected > 0 && scrubbed.uncorrectable == 0, "{scrubbed:?}");
    watch::run(&tools, &places).expect("looked");
    assert!(checked(&places).contains("errors of the disk"), "{}", checked(&places));
    page::act(&tools, &places, "seen:device-2").expect("noted");
    assert_eq!(checked(&places), "");

    // It dies.
    drop(mounted);
    let gone = two.name().to_owned();
    drop(two);
    fs::remove_file(at("two")).expect("removed");
    let mounted = Mounted::new(&one.0, &places.data);
    watch::run(&tools, &places).expect("looked");
    assert!(checked(&places).starts_with("a disk of the mirror is missing"), "{}", checked(&places));
    fs::write(places.data.join("notes/meanwhile"), vec![7; FILE]).expect("written");
    assert!(replace::run(&tools, &places, &format!("{gone}.1")).is_err());

    // Another one that held something: not before its name was typed.
    let new = Loop::new(&at("three"), DISK);
    File::options().write(true).open(&new.0).and_then(|disk| disk.write_at(b"mine", 0)).expect("written");
    let row = |page| {
        let all = rows(&tools, &places, page);
        all.into_iter()
            .find(|row| row.id.as_ref().is_some_and(|id| id.starts_with(new.name())))
            .expect("a row")
    };
    let id = row("overview").id.expect("an id");
    assert!(row("replace").acts.is_empty());
    let refused = replace::run(&tools, &places, &id).expect_err("refused").to_string();
    assert!(refused.ends_with("its serial number was not typed"), "{refused}");
    fs::create_dir_all(&places.confirmed).expect("made");
    fs::write(places.confirmed.join("0a.json"), format!(r#"{{"serial":"{}"}}"#, new.name())).expect("typed");
    assert_eq!(row("replace").acts, ["replace"]);
    replace::run(&tools, &places, &id).expect("replaced");
    assert!(!places.confirmed.join("0a.json").exists());
    let asked = fs::read_to_string(at("tools/mazetd.log")).expect("asked");
    assert_eq!(asked, format!("disk partition {0}\ndisk start {0}\n", new.name()));
    assert_eq!(checked(&places), "");

    scrub::run(&tools, &places).expect("scrubbed");
    let state = State::read(&places.state).expect("a state");
    let scrubbed = state.scrub.as_ref().expect("scrubbed");
    assert_eq!((scrubbed.corrected, scrubbed.uncorrectable), (0, 0));
    assert!(!state.seen.as_ref().expect("seen").unmirrored);
    assert_eq!(UnderWay::read(&tools, &places, &state), UnderWay::default());
    assert!(check::check(&state, files::now() + 70 * DAY).is_err());

    // Either of them has everything.
    drop(mounted);
    drop(one);
    fs::remove_file(at("one")).expect("removed");
    run("btrfs", &["device", "scan", "--forget"]);
    let mounted = Mounted::new(&new.0, &places.data);
    let kept = fs::read(places.data.join("notes/meanwhile")).expect("read");
    assert!(kept == vec![7; FILE]);
    drop(mounted);
    let said = tools.said(Program::Btrfs, &["check", "--readonly", &new.0]);
    assert!(said.is_ok(), "{said:?}");
}

#[test]
#[ignore = "needs root, loop devices and btrfs: cargo test -p mazet-disks -- --ignored"]
fn a_smaller_disk_does_too_where_all_has_room_on_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let tools = tools(&at("tools"));
    let mut places = places(folder.path());
    places.data = at("srv");
    let (one, two) = (Loop::new(&at("one"), DISK), Loop::new(&at("two"), DISK));
    run("mkfs.btrfs", &["--quiet", "--data", "raid1", "--metadata", "raid1", &one.0, &two.0]);
    drop(two);
    fs::remove_file(at("two")).expect("removed");
    let mounted = Mounted::new(&one.0, &places.data);
    describe(&places);
    watch::run(&tools, &places).expect("looked");
    smart::run(&tools, &places).expect("asked");

    let (small, tiny) = (Loop::new(&at("small"), DISK - (1 << 30)), Loop::new(&at("tiny"), 1 << 30));
    let all = replace::candidates(&tools, &places).expect("disks");
    let fits = |disk: &Loop| all.iter().any(|one| one.fits && one.free && one.unused.disk.path == disk.0);
    assert!(fits(&small) && !fits(&tiny), "{all:?}");
    let id = all.iter().find(|one| one.unused.disk.path == small.0).map(|one| one.unused.disk.id());
    replace::run(&tools, &places, &id.expect("an id")).expect("replaced");
    assert_eq!(checked(&places), "");
    let seen = State::read(&places.state).expect("a state").seen.expect("seen");
    let paths: Vec<_> =
        seen.devices.iter().map(|part| part.device.path.clone().unwrap_or_default()).collect();
    assert_eq!(paths, [one.0.clone(), small.0.clone()]);
    drop(mounted);
}

/// The PC's recipe with this service.
#[test]
fn a_recipe_takes_the_manifest() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut texts = BTreeMap::new();
    let mut files = Vec::new();
    for folder in ["recipes", "overlays", "firmware"] {
        below(&root, &root.join(folder), &mut files);
    }
    for name in &files {
        if let Ok(text) = fs::read_to_string(root.join(name)) {
            texts.insert(name.clone(), text);
        }
    }
    files.retain(|name| !texts.contains_key(name));
    let recipe = "recipes/pc.toml";
    let pc = texts.get_mut(recipe).expect("the PC's recipe");
    if !pc.contains("\"disks\"") {
        *pc = pc.replacen("services = [", "services = [\"disks\", ", 1);
    }
    let sources = Sources { recipe: recipe.to_owned(), texts, files: files.into_iter().collect() };
    let valid = check_recipe(&sources).map_err(|faults| report(&faults)).expect("no fault");
    let own = valid.services.iter().find(|manifest| manifest.service.name == "disks").expect("this service");
    assert_eq!((own.reports.len(), own.checks.len()), (2, 1));
    // Each unit that is laid is one that the manifest knows, or the template of some.
    let folder = root.join("overlays/disks");
    let mut laid: Vec<String> = own.files.iter().map(|file| file.source.clone()).collect();
    laid.extend(own.templates.iter().map(|template| template.source.clone()));
    laid.sort();
    let mut there = Vec::new();
    below(&folder, &folder, &mut there);
    there.sort();
    assert_eq!(laid, there);
}

fn below(root: &Path, folder: &Path, files: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            below(root, &path, files);
        } else {
            files.push(path.strip_prefix(root).expect("below it").to_string_lossy().into_owned());
        }
    }
}

/// Other bytes in the place of those of a file: on the first mebibytes of the data of the disk.
fn damage(disk: &Path) {
    let file = File::options().read(true).write(true).open(disk).expect("the disk");
    let mut block = vec![0; 1 << 20];
    let mut damaged = 0;
    // What mkfs and the tree keep lies before, data from some hundred mebibytes on.
    for mebibyte in 280..2048 {
        file.read_exact_at(&mut block, mebibyte << 20).expect("read");
        if damaged < 4 && block.chunks(4096).all(|page| page.iter().any(|byte| *byte != page[0])) {
            file.write_all_at(&vec![0xaa; 4096], mebibyte << 20).expect("written");
            damaged += 1;
        }
    }
    assert!(damaged > 0, "no data was found");
    file.sync_all().expect("written");
}
