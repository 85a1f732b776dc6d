//! From a release to a stick that boots.

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use mazet_boot::Qemu;
use mazet_boot::disk::{Disk, Format};
use mazet_boot::firmware::Firmware;
use mazet_boot::watch::Goal;
use serde_json::Value;

use crate::inside;
use crate::lab::Bench;
use crate::scenario::RELEASES;
use crate::visitor::{Visitor, csrf};

/// The claim code that the stick's answers hold the hash of.
pub const CODE: &str = "ABCD-2345";
/// Answers as a volunteer writes them.
const ANSWERS: &str = "language = \"fr\"\n\n[box]\nname = \"lavande\"\nclaim-code = \"ABCD-2345\"\n\n\
                       [association]\nname = \"Les Amis du Mazet\"\n\n[log]\nwrite = true\n";
/// Bytes of the stick.
const STICK: u64 = 1 << 30;

/// A signed release is what other people's programs take it for.
pub fn release(bench: &Bench) -> Result<()> {
    let name = name(bench)?;
    let folder = bench.path("release");
    mazet(bench)
        .args(["build", &name, "--offline", "--release", "--new-key", "--output"])
        .arg(&folder)
        .run("building a release")?;
    let file = |ending: &str| folder.join(format!("{name}.{ending}")).to_string_lossy().into_owned();
    let (image, packed, map) = (file("img"), file("img.zst"), file("img.bmap"));
    mazet(bench).args(["verify", &packed]).run("verifying the release")?;
    let tree = &bench.lab.test_tree;
    let sums = "cd \"$1\" && sha256sum --check --strict --quiet \"$2.SHA256SUMS\"";
    tree.output("sh", &["-c", sums, "sums", &folder.to_string_lossy(), &name]).context("sha256sum")?;
    let key = bench.path("config/mazet/builder.pub").to_string_lossy().into_owned();
    tree.output("minisign", &["-V", "-q", "-p", &key, "-m", &file("SHA256SUMS")]).context("minisign")?;
    // Raspberry Pi Imager unpacks with libarchive, as bsdcat does.
    tree.output("sh", &["-c", "bsdcat \"$1\" | cmp - \"$2\"", "cat", &packed, &image])
        .context("libarchive")?;
    for source in [&packed, &image] {
        let stick = bench.path("bmaptool.img");
        File::create(&stick)?.set_len(STICK)?;
        let target = stick.to_string_lossy().into_owned();
        tree.output("bmaptool", &["copy", "--bmap", &map, source, &target]).context("bmaptool")?;
        same_beginning(Path::new(&image), &stick)?;
        fs::remove_file(&stick)?;
    }
    Ok(())
}

/// The release, flashed with answers, boots; the box knows the answers, and the stick no secret.
pub fn stick_boots(bench: &Bench) -> Result<()> {
    let release = bench.lab.left_by(RELEASES, "release").join(format!("{}.img.zst", name(bench)?));
    let (stick, config) = (bench.path("stick.img"), bench.path("my-box.toml"));
    File::create(&stick)?.set_len(STICK)?;
    fs::write(&config, ANSWERS)?;
    let said = mazet(bench)
        .env("XDG_CONFIG_HOME", bench.lab.left_by(RELEASES, "config"))
        .args(["flash", "--json", "--yes-erase", "stick.img"])
        .arg(&release)
        .arg("--device")
        .arg(&stick)
        .arg("--config")
        .arg(&config)
        .run("flashing the stick")?;
    let last: Value = serde_json::from_str(said.lines().last().unwrap_or_default())?;
    ensure!(last["phase"] == "done", "it does not end with `done`: {said}");
    let machine = bench.machine("flashed", Firmware::Bios).disk(Disk::stick(&stick, Format::Raw));
    let qemu = bench.boot(&machine, &Goal::wizard())?;
    inside::no_unit_failed(&qemu)?;
    let answers = qemu.shell()?.ask("cat /run/live/medium/mazet.toml")?;
    ensure!(answers.contains("lavande"), "the stick's answers are {answers:?}");
    ensure!(!answers.contains("ABCD"), "the claim code is on the stick: {answers:?}");
    log_is_on_the_stick(&qemu)?;
    enters(bench, &Visitor::new(&bench.lab, &qemu, &bench.path("cookies"))?)?;
    drop(qemu);
    fs::remove_file(&stick).context("removing the stick")
}

/// The log that the answers ask for: whole, without a secret, and the stick is read-only again.
fn log_is_on_the_stick(qemu: &Qemu) -> Result<()> {
    let shell = qemu.shell()?;
    // Systemd started it already; this waits for its end, or writes the log once more.
    shell.ask("systemctl start mazet-log.service")?;
    let said = shell.ask("systemctl show --property=ExecMainStatus mazet-log.service")?;
    ensure!(said.trim() == "ExecMainStatus=0", "the log was not written: {said}");
    for words in ["asked for in mazet.toml; no unit failed", "Linux version", "mazet-broker.service"] {
        let look = format!("grep -q '{words}' /run/live/medium/mazet-log.txt");
        shell.ask(&look).with_context(|| format!("the log does not hold `{words}`"))?;
    }
    shell.ask("! grep -q 'argon2' /run/live/medium/mazet-log.txt").context("the log holds a hash")?;
    let options = "findmnt --noheadings --output FS-OPTIONS /run/live/medium";
    let read_only = shell.ask(&format!("{options} | tr , '\\n' | grep -qx ro"));
    read_only.context("the stick stays writable").map(drop)
}

/// The code of the answers opens the wizard, and another one does not.
fn enters(bench: &Bench, visitor: &Visitor<'_>) -> Result<()> {
    let attempt = |code: &str| {
        let token = csrf(&visitor.get("/claim")?.body)?;
        visitor.post("/claim", &[("csrf", &token), ("code", code)])
    };
    let wrong = attempt("ABCD-2346")?;
    ensure!(wrong.status == 403, "a wrong code was answered {}", wrong.status);
    let right = attempt(CODE)?;
    let enters = (300..400).contains(&right.status) && !right.redirect.ends_with("/claim");
    ensure!(enters, "the code was answered {} (redirect {:?})", right.status, right.redirect);
    eprintln!("  {}: the claim code opens the wizard", bench.folder.display());
    Ok(())
}

/// The recipe under test: the name of its image.
fn name(bench: &Bench) -> Result<String> {
    let stem = bench.lab.image.file_stem().context("the image has no name")?;
    Ok(stem.to_string_lossy().into_owned())
}

/// Mazet's own program, with keys of this scenario's own.
pub fn mazet(bench: &Bench) -> Mazet {
    let mut command = Command::new(&bench.lab.mazet);
    command.env("XDG_CONFIG_HOME", bench.path("config")).stdin(Stdio::null());
    Mazet(command)
}

pub struct Mazet(Command);

impl Mazet {
    pub fn arg(mut self, word: impl AsRef<std::ffi::OsStr>) -> Self {
        self.0.arg(word);
        self
    }

    pub fn args<const N: usize>(mut self, words: [&str; N]) -> Self {
        self.0.args(words);
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// Runs it to its end; gives its standard output.
    pub fn run(mut self, doing: &'static str) -> Result<String> {
        let output = self.0.output().context(doing)?;
        let told = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{doing}: it ended with {}: {told}", output.status);
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// `other` begins with all bytes of `image`. The free blocks of both are zero here.
fn same_beginning(image: &Path, other: &Path) -> Result<()> {
    let open = |path: &Path| File::open(path).map(|file| BufReader::with_capacity(1 << 20, file));
    let (mut image, mut other) = (open(image)?, open(other)?);
    let (mut one, mut two) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    for mebibyte in 0.. {
        let count = image.read(&mut one)?;
        if count == 0 {
            break;
        }
        other.read_exact(&mut two[..count])?;
        ensure!(one[..count] == two[..count], "what was written differs after {mebibyte} MiB");
    }
    Ok(())
}
