//! The command that root runs every hour, as its unit does.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use mazet_files::snapshots::Moment;

/// Runs it; what it says.
fn ran(data: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mazet-files"));
    command.args(["snapshot", "--data"]).arg(data).arg("--snapshots").arg(data.join("files-snapshots"));
    let output = command.output().expect("started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("a text")
}

#[test]
fn on_a_plain_folder_nothing_is_done_and_nothing_fails() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("files-snapshots")).expect("made");
    let said = ran(folder.path());
    assert_eq!(said, format!("{} is no subvolume of a btrfs: no snapshots\n", folder.path().display()));
    assert_eq!(fs::read_dir(folder.path().join("files-snapshots")).expect("there").count(), 0);
}

/// A btrfs of 60 GB in a sparse file, with the subvolume `data`; gone at its end.
struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (image, top) = (folder.path().join("disk"), folder.path().join("top"));
        fs::File::create(&image).and_then(|file| file.set_len(60_000_000_000)).expect("made");
        fs::create_dir(&top).expect("made");
        done("mkfs.btrfs", &["--quiet", &image.display().to_string()]);
        let paths = [image.display().to_string(), top.display().to_string()];
        done("mount", &["-o", "loop,compress=zstd,noatime", &paths[0], &paths[1]]);
        let disk = Self { folder };
        disk.subvolume(&["create", &disk.data().display().to_string()]);
        for path in
            ["files/people/zoe/files", "files-snapshots", "mazet/secrets", "postgresql/17", "mazet-backup"]
        {
            fs::create_dir_all(disk.data().join(path)).expect("made");
        }
        // As while a backup runs: a snapshot has an empty folder in its place.
        disk.subvolume(&["create", &disk.data().join("mazet-backup/picture").display().to_string()]);
        disk
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("top/data")
    }

    /// A file of zoe's.
    fn file(&self) -> PathBuf {
        self.data().join("files/people/zoe/files/x")
    }

    fn snapshot(&self, name: &str) -> PathBuf {
        self.data().join("files-snapshots").join(name)
    }

    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(self.snapshot("")).expect("there");
        let mut names: Vec<String> =
            names.map(|entry| entry.expect("read").file_name().into_string().expect("a text")).collect();
        names.sort();
        names
    }

    fn subvolume(&self, words: &[&str]) {
        done("btrfs", &[&["subvolume"], words].concat());
    }

    /// One that an earlier run took.
    fn older(&self, name: &str) {
        let (from, to) = (self.data().display().to_string(), self.snapshot(name).display().to_string());
        self.subvolume(&["snapshot", "-r", &from, &to]);
    }

    /// Takes room, without writing it.
    fn fill(&self, name: &str, size: &str) {
        done("fallocate", &["--length", size, &self.data().join(name).display().to_string()]);
        done("sync", &["--file-system", &self.data().display().to_string()]);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.folder.path().join("top")).status();
    }
}

fn done(program: &str, words: &[&str]) {
    let output = Command::new(program).args(words).output().expect("started");
    assert!(output.status.success(), "{program} {words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
#[ignore = "needs root, and btrfs: unshare --mount cargo test -p mazet-files --test process snapshot -- --ignored"]
fn on_a_btrfs_snapshots_come_and_go() {
    let disk = Disk::new();
    fs::write(disk.file(), "first").expect("written");
    fs::write(disk.data().join("mazet/secrets/key"), "secret").expect("written");
    // Of an earlier day, two of them in one hour; and what a run left that was cut short.
    for name in ["20251125T070512Z", "20251125T074512Z", "20251124T070512Z"] {
        disk.older(name);
    }
    disk.older(".new");
    let said = ran(&disk.data());
    assert!(said.starts_with("took 2") && said.ends_with(", removed 1 that are outdated\n"), "{said}");
    let names = disk.names();
    let newest = Moment::parse(&names[2]).expect("a moment").name();
    assert_eq!(names, ["20251124T070512Z", "20251125T074512Z", &newest]);
    let snapshot = disk.snapshot(&newest);
    let inside: Vec<_> =
        fs::read_dir(&snapshot).expect("there").map(|one| one.expect("read").file_name()).collect();
    assert_eq!(inside, ["files"]);
    assert_eq!(fs::read(disk.data().join("mazet/secrets/key")).expect("still there"), b"secret");
    // It stays as it is, and is told from what comes after it by what tells it here.
    let then = snapshot.join("files/people/zoe/files/x");
    let facts = |path: &Path| fs::metadata(path).map(|it| (it.ino(), it.size(), it.mtime(), it.mtime_nsec()));
    assert_eq!(facts(&then).expect("there"), facts(&disk.file()).expect("there"));
    let new = disk.data().join("files/new");
    fs::write(&new, "other").expect("written");
    fs::rename(&new, disk.file()).expect("renamed");
    assert_ne!(facts(&then).expect("there"), facts(&disk.file()).expect("there"));
    assert_eq!(fs::read(&then).expect("read"), b"first");
    let refused = fs::write(&then, "changed").expect_err("refused");
    assert_eq!(refused.kind(), io::ErrorKind::ReadOnlyFilesystem);
    // What was deleted still takes room: the oldest go, as many as must, and no more.
    disk.fill("files/large", "53G");
    disk.older("20251126T070512Z");
    fs::remove_file(disk.data().join("files/large")).expect("removed");
    let said = ran(&disk.data());
    assert!(said.starts_with("<4>room is short: the 3 oldest snapshots went\ntook "), "{said}");
    // What is there takes the room: none stays, and none comes.
    disk.fill("files/larger", "53G");
    let said = ran(&disk.data());
    assert!(said.starts_with("<4>room is short: the ") && said.contains("\n<4>no snapshot: "), "{said}");
    assert_eq!(disk.names(), [""; 0]);
}
