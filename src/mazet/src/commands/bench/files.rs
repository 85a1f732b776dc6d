//! `mazet bench --files`: the file cloud beside Apache's mod_dav, in one run, on one disk, by clients that we did
//! not write (curl, rclone, the Nextcloud client). What works and waits is `src/files/examples/bench/`.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::commands::{Setting, boot};
use crate::lock::Part;
use crate::run::{Command, Program};
use crate::timings::{human_bytes, human_seconds};

/// The recipe whose test tree has the other programs.
const RECIPE: &str = "pc";
/// On the disk, where other users may come: PostgreSQL and Apache are none of ours.
const DISK: &str = "/var/tmp";
/// In memory: nothing need be flushed there.
const MEMORY: &str = "/dev/shm";
/// Memory after load that is the goal, in MiB.
const GOAL: u64 = 15;
const NOTE: &str = "mod_dav flushes nothing that it acknowledges: a power cut takes what was not written by chance. \
    mazet-files\nanswers when bytes and name are on the disk. “Flushed” is mod_dav in a folder whose file system flushes \
    whatever is\nwritten (chattr +S +D). In memory, flushing costs neither anything.\n";

/// What one run found.
#[derive(Debug, Serialize, Deserialize)]
struct Figures {
    lines: Vec<Line>,
    memory: Memory,
}

/// Seconds of each.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    what: String,
    mazet: f64,
    /// None: what it does not do.
    mod_dav: Option<f64>,
    /// mod_dav in a folder whose file system flushes what is written.
    flushed: Option<f64>,
}

/// Of the program, in KiB.
#[derive(Debug, Serialize, Deserialize)]
struct Memory {
    idle_kib: u64,
    after_kib: u64,
}

/// Measures and prints.
///
/// # Errors
/// When a program cannot be compiled or started.
pub fn run(setting: &Setting, json: bool) -> Result<ExitCode> {
    let program = program(setting)?;
    let tree = boot::tree(setting, RECIPE, "test", Part::Test)?;
    let mut all = Vec::new();
    for (name, folder) in [("on the disk", DISK), ("in memory", MEMORY)] {
        let folder = Path::new(folder);
        if folder.is_dir() {
            setting.ui.say(format!("files {name}: some minutes …"));
            all.push((name, measured(setting, &program, &tree, folder)?));
        }
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&all)?);
    } else {
        all.iter().for_each(|(name, figures)| println!("{}", table(name, figures)));
        print!("{NOTE}");
    }
    Ok(ExitCode::SUCCESS)
}

/// The program, compiled as a box's is but for this computer.
fn program(setting: &Setting) -> Result<PathBuf> {
    let root = &setting.project.root;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Command::new(Program::Cargo, "compiling mazet-files")
        .args(["build", "--quiet", "--release", "--locked", "--package", "mazet-files", "--manifest-path"])
        .arg(root.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .run()?;
    Ok(target.join("release/mazet-files"))
}

/// One run, with everything in `folder`.
fn measured(setting: &Setting, program: &Path, tree: &Path, folder: &Path) -> Result<Figures> {
    let scratch = tempfile::tempdir_in(folder).context("making a scratch folder")?;
    fs::set_permissions(scratch.path(), Permissions::from_mode(0o755))
        .context("opening the scratch folder")?;
    let prefix = boot::prefix(setting, tree, &[scratch.path().to_owned()])?.join("\n");
    let said = Command::new(Program::Cargo, "measuring the files")
        .args([
            "run",
            "--quiet",
            "--locked",
            "--package",
            "mazet-files",
            "--example",
            "bench",
            "--manifest-path",
        ])
        .arg(setting.project.root.join("Cargo.toml"))
        .arg("--")
        .arg(program)
        .env("TMPDIR", scratch.path())
        .env("MAZET_TEST_PREFIX", prefix)
        .env("MAZET_TEST_FSYNC", "on")
        .text()?;
    serde_json::from_str(&said).context("reading the figures of the files")
}

fn table(name: &str, figures: &Figures) -> String {
    let head = format!(
        "{:40} {:>12} {:>12} {:>8} {:>12} {:>8}\n",
        format!("files {name}"),
        "mazet-files",
        "mod_dav",
        "speed",
        "flushed",
        "speed"
    );
    let rows = figures.lines.iter().map(row).collect::<String>();
    let Memory { idle_kib, after_kib } = figures.memory;
    let memory = |kib: u64| human_bytes(kib * 1024);
    let goal = if after_kib <= GOAL * 1024 { "within" } else { "beyond" };
    format!(
        "{head}{rows}{:40} {:>12} idle, {} after all this ({goal} the goal of {GOAL} MiB)\n",
        "memory of mazet-files (PSS)",
        memory(idle_kib),
        memory(after_kib),
    )
}

/// The speed is mod_dav's time by ours: more than 1 is faster.
fn row(line: &Line) -> String {
    let theirs = |time: Option<f64>| {
        let speed = time.map_or_else(|| "–".to_owned(), |theirs| format!("{:.2}×", theirs / line.mazet));
        format!("{:>12} {speed:>8}", time.map_or_else(|| "–".to_owned(), human_seconds))
    };
    let (plain, flushed) = (theirs(line.mod_dav), theirs(line.flushed));
    format!("{:40} {:>12} {plain} {flushed}\n", line.what, human_seconds(line.mazet))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_speed_stands_beside_the_times() {
        let line =
            |what: &str, mazet, mod_dav, flushed| Line { what: what.to_owned(), mazet, mod_dav, flushed };
        let figures = Figures {
            lines: vec![line("500 MiB up", 2.0, Some(3.0), Some(5.0)), line("sync", 0.5, None, None)],
            memory: Memory { idle_kib: 4096, after_kib: 16 * 1024 },
        };
        insta::assert_snapshot!(table("in memory", &figures), @r"
        files in memory                           mazet-files      mod_dav    speed      flushed    speed
        500 MiB up                                     2.00 s       3.00 s    1.50×       5.00 s    2.50×
        sync                                           0.50 s            –        –            –        –
        memory of mazet-files (PSS)                   4.0 MiB idle, 16.0 MiB after all this (beyond the goal of 15 MiB)
        ");
    }
}
