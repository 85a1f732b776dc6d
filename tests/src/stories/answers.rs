//! A card for a Raspberry Pi that answers in advance, as a volunteer makes one.

use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use mazet_boot::firmware::Firmware;

use super::flash::{CODE, mazet};
use super::pi::Board;
use crate::lab::Bench;
use crate::visitor::Visitor;
use crate::{by_http, inside};

/// Answers as a volunteer writes them. The address is the one that QEMU's own network forwards to.
const ANSWERS: &str = r#"language = "fr"

[box]
name = "lavande"
claim-code = "ABCD-2345"

[association]
name = "Les Amis du Mazet"

[network]
method = "static"
address = "10.0.2.15/24"
gateway = "10.0.2.2"
dns = ["10.0.2.3"]

[wifi]
country = "FR"
ssid = "Mazet"
passphrase = "lavande tuile borie"

[ssh]
keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGkTvrGmMLmJgmWPMJ1x7vhoqPCzmkDSkDpKSDHZ7OXo ada@laptop"]

[log]
write = true
"#;
/// What is added by hand, on another computer: a table that there is not.
const MISTAKE: &str = "\n[wify]\nssid = \"Mazet\"\n";
/// What must stand on no card.
const SECRETS: [&str; 3] = ["ABCD-2345", "ABCD2345", "lavande tuile borie"];
/// Bytes of the card.
const CARD: u64 = 16 << 30;

/// The answers count, the mistake is told with its place, the log is on the card.
pub fn pi(bench: &Bench) -> Result<()> {
    let card = bench.path("card.img");
    flashed(bench, &card)?;
    let line = mistaken(bench, &card)?;
    let qemu = Board::new("live", Firmware::Virt).start(bench, &card)?;
    inside::no_unit_failed(&qemu)?;
    let console = qemu.serial().text();
    let place = format!("mazet.toml:{line}:2: ");
    ensure!(console.contains(&place), "the console does not tell of {place}");
    let network = qemu.shell()?.ask("ip -4 -brief address; cat /etc/hostname; ls /run/mazet")?;
    ensure!(network.contains("10.0.2.15/24") && network.contains("lavande"), "{network}");
    // Without a wireless device there is nobody to use it, but it is understood.
    ensure!(network.contains("wifi.conf"), "the Wi-Fi of the answers is not known: {network}");
    let visitor = Visitor::new(&bench.lab, &qemu, &bench.path("cookies"))?;
    by_http::claim(&visitor, CODE)?;
    in_the_wizard(&visitor, line)?;
    drop(qemu);
    log(bench, &card)?;
    fs::remove_file(&card).context("removing the card")
}

/// The image on a card, with the answers.
fn flashed(bench: &Bench, card: &Path) -> Result<()> {
    let config = bench.path("my-box.toml");
    File::create(card)?.set_len(CARD)?;
    fs::write(&config, ANSWERS)?;
    mazet(bench)
        .args(["flash", "--json", "--yes-erase", "card.img"])
        .arg(&bench.lab.pi()?.image)
        .arg("--device")
        .arg(card)
        .arg("--config")
        .arg(&config)
        .run("flashing the card")
        .map(drop)
}

/// Edits the card's `mazet.toml`; gives the number of the line that is wrong.
fn mistaken(bench: &Bench, card: &Path) -> Result<usize> {
    let file = read(bench, card, "mazet.toml")?;
    let text = fs::read_to_string(&file)?;
    for secret in SECRETS {
        ensure!(!text.contains(secret), "a secret is on the card: {text}");
    }
    let line = text.lines().count() + 2;
    fs::write(&file, text + MISTAKE)?;
    let drive = mazet_boot::pi::drive(card)?;
    let from = file.to_string_lossy().into_owned();
    bench.lab.pi()?.tools.output("mcopy", &["-o", "-i", &drive, &from, "::mazet.toml"])?;
    Ok(line)
}

/// The language is not asked, the mistake stands there with its place, and the names are filled in.
fn in_the_wizard(visitor: &Visitor<'_>, line: usize) -> Result<()> {
    let first = visitor.get("/")?.redirect;
    ensure!(first.ends_with("/start"), "the first question is {first}");
    let page = visitor.get("/start")?.body;
    ensure!(page.contains(&format!("Ligne {line}, colonne 2")), "the mistake is not shown:\n{page}");
    by_http::step(visitor, "/start", &[("purpose", "new")])?;
    by_http::step(visitor, "/disks", &[("disk", "vda")])?;
    let page = visitor.get("/association")?.body;
    for answer in ["Les Amis du Mazet", "lavande"] {
        ensure!(page.contains(answer), "the page does not show {answer:?}:\n{page}");
    }
    Ok(())
}

/// The log, read on another computer when the card is out.
fn log(bench: &Bench, card: &Path) -> Result<()> {
    let text = fs::read_to_string(read(bench, card, "mazet-log.txt")?)?;
    let mut lines = text.lines();
    let head = lines.next().unwrap_or_default();
    ensure!(head.starts_with("Mazet ") && head.contains("kernel "), "the log begins with {head:?}");
    let reason = lines.next().unwrap_or_default();
    ensure!(reason == "asked for in mazet.toml; no unit failed", "its reason is {reason:?}");
    ensure!(text.contains("kernel: Linux version"), "the kernel's lines are missing");
    for secret in SECRETS {
        ensure!(!text.contains(secret), "{secret} stands in the log");
    }
    eprintln!("  mazet-log.txt: {} lines", text.lines().count());
    Ok(())
}

/// Copies a file of the card's FAT into the scenario's folder.
fn read(bench: &Bench, card: &Path, name: &str) -> Result<std::path::PathBuf> {
    let (drive, file) = (mazet_boot::pi::drive(card)?, bench.path(name));
    let (from, to) = (format!("::{name}"), file.to_string_lossy().into_owned());
    bench.lab.pi()?.tools.output("mcopy", &["-n", "-o", "-i", &drive, &from, &to])?;
    Ok(file)
}
