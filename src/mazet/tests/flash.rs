//! `mazet flash` as a user runs it, onto files that stand for sticks.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// A folder with an image and a stick.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new(image: &[u8], stick: u64) -> Self {
        let desk = Self { folder: tempfile::tempdir().expect("folder") };
        fs::write(desk.path("a.img"), image).expect("written");
        File::create(desk.path("stick")).expect("made").set_len(stick).expect("long enough");
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn mazet(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mazet"));
        // No user's keys, no project around.
        command.env("XDG_CONFIG_HOME", self.path("config")).env("HOME", self.folder.path());
        command.current_dir(self.folder.path()).stdin(Stdio::null()).args(arguments);
        command
    }

    fn flash(&self, arguments: &[&str]) -> Output {
        let plain = ["flash", "a.img", "--no-answers"];
        self.mazet(&[&plain, arguments].concat()).output().expect("started")
    }

    fn stick(&self) -> Vec<u8> {
        fs::read(self.path("stick")).expect("read")
    }
}

fn words(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn image() -> Vec<u8> {
    (0..3_u32 << 20).map(|n| (n / 4096 % 251) as u8 + 1).collect()
}

#[test]
fn an_image_is_written_to_a_named_and_confirmed_target() {
    let desk = Desk::new(&image(), 8 << 20);
    let output = desk.flash(&["--device", "./stick", "--yes-erase", "stick", "--json"]);
    assert!(output.status.success(), "{}", words(&output.stderr));
    assert!(words(&output.stderr).contains("a.img: not signed; right if you built it yourself"));
    assert!(desk.stick()[..3 << 20] == image());
    let said = words(&output.stdout);
    assert_eq!(said.lines().last(), Some(r#"{"device":"./stick","phase":"done"}"#), "{said}");
    assert!(said.lines().any(|line| line.contains(r#""phase":"verifying""#)), "{said}");
}

#[test]
fn several_targets_are_written_at_once() {
    let desk = Desk::new(&image(), 8 << 20);
    fs::copy(desk.path("stick"), desk.path("other")).expect("copied");
    let both = ["--device", "./stick", "--yes-erase", "stick", "--device", "./other", "--yes-erase", "other"];
    let output = desk.flash(&[&both[..], &["--json"]].concat());
    assert!(output.status.success(), "{}", words(&output.stderr));
    let said = words(&output.stdout);
    assert_eq!(said.lines().filter(|line| line.contains(r#""phase":"done""#)).count(), 2, "{said}");
    assert!(desk.stick() == fs::read(desk.path("other")).expect("read"));
    assert!(desk.stick()[..3 << 20] == image());
}

#[test]
fn nothing_is_written_without_a_confirmation() {
    let desk = Desk::new(&image(), 8 << 20);
    for (arguments, told) in [
        (
            &["--device", "./stick"][..],
            "./stick is not erased: its model is \"stick\", and that was not confirmed",
        ),
        (&[], "no device was named, and there is no terminal to ask on"),
        (&["--device", "no-disk", "--yes-erase", "x"], "there is no disk called no-disk"),
    ] {
        let output = desk.flash(arguments);
        assert_eq!(output.status.code(), Some(2));
        assert!(words(&output.stderr).contains(told), "{}", words(&output.stderr));
    }
    assert!(desk.stick().iter().all(|byte| *byte == 0));
}

#[test]
fn a_target_smaller_than_the_image_is_refused() {
    let desk = Desk::new(&image(), (3 << 20) - 512);
    let output = desk.flash(&["--device", "./stick", "--yes-erase", "stick"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(words(&output.stderr).contains("512 bytes are missing"), "{}", words(&output.stderr));
}

#[test]
fn faulty_answers_are_told_with_their_place_before_anything_is_erased() {
    let desk = Desk::new(&image(), 8 << 20);
    fs::write(desk.path("my.toml"), "[box]\nnmae = \"lavande\"\n").expect("written");
    let arguments = ["flash", "a.img", "--config", "my.toml", "--device", "./stick", "--yes-erase", "stick"];
    let output = desk.mazet(&arguments).output().expect("started");
    assert_eq!(output.status.code(), Some(2));
    let told = words(&output.stderr);
    assert!(told.contains("my.toml:2:1") && told.contains("did you mean `name`"), "{told}");
    assert!(desk.stick().iter().all(|byte| *byte == 0));
}

#[test]
fn an_image_that_was_changed_after_its_build_is_not_written() {
    let desk = Desk::new(&image(), 8 << 20);
    fs::write(desk.path("a.img.sha256"), format!("{}  a.img\n", "0".repeat(64))).expect("written");
    let output = desk.flash(&["--device", "./stick", "--yes-erase", "stick"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(words(&output.stderr).contains("a.img is damaged or was changed"), "{}", words(&output.stderr));
    let output = desk.mazet(&["verify", "a.img"]).output().expect("started");
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn the_interrupted_stick_does_not_boot_and_the_exit_code_is_130() {
    let desk = Desk::new(&[], 1 << 30);
    sparse(&desk.path("a.img"), 512 << 20);
    let arguments =
        ["flash", "a.img", "--no-answers", "--device", "./stick", "--yes-erase", "stick", "--json"];
    let mut child = desk.mazet(&arguments).stdout(Stdio::piped()).spawn().expect("started");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let first = lines.next().expect("progress").expect("text");
    assert!(first.contains("writing"), "{first}");
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("an id")).expect("an id");
    kill_process(pid, Signal::INT).expect("interrupted");
    let last = lines.map_while(Result::ok).last().expect("the end");
    assert!(last.contains(r#""phase":"failed""#) && last.contains("half written"), "{last}");
    assert_eq!(child.wait().expect("ended").code(), Some(130));
    let head = &fs::read(desk.path("stick")).expect("read")[..1 << 20];
    assert!(words(head).contains("this stick is unfinished and does not boot"));
    assert!(head[..65_536].iter().all(|byte| *byte == 0));
}

fn sparse(path: &Path, bytes: u64) {
    File::create(path).expect("made").set_len(bytes).expect("long enough");
}
