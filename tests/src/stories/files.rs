//! The file cloud on the installed box: a phone's browser and clients that we did not write keep files there, under
//! both web servers, a stranger follows a link, and what was acknowledged is still there after the plug was pulled.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mazet_boot::Qemu;
use mazet_boot::firmware::Firmware;
use mazet_boot::watch::Goal;

use crate::browser::{Browser, FRENCH_PHONE};
use crate::dav::Client;
use crate::inside;
use crate::lab::Bench;
use crate::members;
use crate::stories::{install, web_server};

/// The tests of litmus by suite, in its order. Over HTTPS it leaves one of `http` out: it has no way to see the
/// server's answer to `Expect: 100-continue` there.
const LITMUS: [(&str, u32); 5] = [("basic", 16), ("copymove", 13), ("props", 30), ("locks", 41), ("http", 3)];
/// A name as people give them, and the same in a URL.
const NAME: (&str, &str) = (
    "Été à l’étang 🎣 100 %.txt",
    "%C3%89t%C3%A9%20%C3%A0%20l%E2%80%99%C3%A9tang%20%F0%9F%8E%A3%20100%20%25.txt",
);
/// What a link leads to.
const POSTER: &str = "Fête du village, samedi à 18 h, sur la place\n";
/// Bytes of the file that is there when the plug is pulled.
const BIG: usize = 24 << 20;

/// Everything of it, on the disk that the French installation left.
pub fn are_kept(bench: &Bench) -> Result<()> {
    let disk = install::installed(bench)?;
    let machine = bench.machine("files", Firmware::Bios).disk(disk.clone());
    let qemu = bench.boot(&machine, &Goal::home())?;
    qemu.shell()?.wait_ready(Duration::from_secs(300))?;
    let base = format!("https://127.0.0.1:{}", qemu.port(443)?);
    let phone = members::operator(bench, &base, FRENCH_PHONE, "fr")?;
    let client = Client::of(bench, &phone, &base)?;
    // A program that is still starting is no fault.
    inside::no_unit_failed(&qemu)?;
    qemu.shell()?.ask("mazetd health").context("the box is not well")?;
    client.works().context("under nginx")?;
    let link = client.on_the_phone(&phone, "nginx").context("on the pages, under nginx")?;
    client.is_brought_back(&qemu, &phone).context("an earlier version")?;
    web_server::choose(&qemu, "apache")?;
    phone.forget_complaints()?;
    client.works().context("under Apache")?;
    client.is_followed(&link).context("a link that was made under nginx, under Apache")?;
    client.on_the_phone(&phone, "Apache").context("on the pages, under Apache")?;
    let big = client.acknowledged("big.bin")?;
    memory(&qemu)?;
    inside::no_unit_failed(&qemu)?;
    qemu.pull_the_plug().context("pulling the plug")?;
    let qemu = bench.boot(&bench.machine("again", Firmware::Bios).disk(disk), &Goal::home())?;
    qemu.shell()?.wait_ready(Duration::from_secs(300))?;
    inside::no_unit_failed(&qemu)?;
    qemu.shell()?.ask("mazetd health").context("the box is not well after the power cut")?;
    let client = Client { base: format!("https://127.0.0.1:{}", qemu.port(443)?), ..client };
    ensure!(client.get("big.bin")? == big, "what was acknowledged is not what is there after the power cut");
    client.is_there(NAME)
}

impl Client<'_> {
    /// curl, litmus and rclone at work.
    fn works(&self) -> Result<()> {
        self.strangers_are_refused()?;
        let file = self.file(NAME.0, &vec![b'z'; 3 << 20])?;
        self.curl(&["--upload-file", &file.display().to_string()], NAME.1)?;
        ensure!(self.get(NAME.1)? == fs::read(&file)?, "{} came back changed", NAME.0);
        self.is_there(NAME)?;
        self.copies_a_folder().context("rclone")?;
        self.passes_litmus().context("litmus")
    }

    /// Sends a file by the page's button, looks at it, and makes a link for somebody without an account.
    fn on_the_phone(&self, phone: &Browser, server: &str) -> Result<String> {
        let name = format!("Affiche {server}.txt");
        let file = self.file(&name, POSTER.as_bytes())?;
        phone.go(&format!("{}/files/", self.base))?;
        phone.wait_for("//h1[@id='folder']")?;
        phone.page_is_well(&format!("files-{server}"), "fr")?;
        phone.choose("//input[@id='files']", &file)?;
        phone.click("//button[@id='upload']")?;
        phone.click(&format!("//ul[@id='entries']//a[contains(., '{name}')]"))?;
        phone.wait_for("//h1[@id='name-title']")?;
        phone.page_is_well(&format!("file-{server}"), "fr")?;
        phone.fill("//input[@id='label']", "Pour l’imprimeur")?;
        phone.click("//button[@id='share']")?;
        phone.wait_for("//h1[@id='made']")?;
        phone.page_is_well(&format!("link-{server}"), "fr")?;
        let link = phone.value_now("#address")?;
        self.is_followed(&link)?;
        Ok(link)
    }

    /// What the box kept of a file that was written over since comes back beside it.
    fn is_brought_back(&self, qemu: &Qemu, phone: &Browser) -> Result<()> {
        self.put("rendu.txt", "La première version\n".as_bytes())?;
        let script = "systemctl start mazet-files-snapshot.service && journalctl --unit mazet-files-snapshot \
                      --output cat --no-pager | grep '^took '";
        qemu.shell()?.ask(script).context("no snapshot")?;
        self.put("rendu.txt", "La deuxième version\n".as_bytes())?;
        phone.go(&format!("{}/files/about/rendu.txt", self.base))?;
        phone.click("//a[@id='to-versions']")?;
        phone.wait_for("//h1[@id='versions-title']")?;
        phone.page_is_well("versions", "fr")?;
        phone.click("//ul[@id='versions']//button")?;
        phone.wait_for("//h1[@id='name-title'][contains(., 'rendu (20')]")?;
        phone.wait_for("//pre[contains(., 'La première version')]")?;
        ensure!(self.get("rendu.txt")? == "La deuxième version\n".as_bytes(), "what was there was replaced");
        phone.go(&format!("{}/files/versions/", self.base))?;
        phone.click("//ul[@id='versions']//a")?;
        phone.wait_for("//h1[@id='then']")?;
        phone.wait_for("//ul[@id='entries']//a[contains(., 'rendu.txt')]")?;
        phone.page_is_well("then", "fr")
    }

    /// Whoever has the link has the file, and nothing else.
    fn is_followed(&self, link: &str) -> Result<()> {
        let token = link.split_once("/s/").with_context(|| format!("{link:?} is no link"))?.1;
        let page = String::from_utf8(self.strangers(&format!("/s/{token}"))?)?;
        let href = page
            .split_once("id=\"download\" href=\"")
            .with_context(|| format!("nothing to download: {page}"))?
            .1;
        let href = href.split('"').next().unwrap_or_default();
        ensure!(self.strangers(href)? == POSTER.as_bytes(), "the link gives something else");
        let end = token.len() - 4;
        let guessed = self.strangers(&format!("/s/{}aaaa", &token[..end]));
        ensure!(guessed.is_err(), "a guessed link opens something");
        Ok(())
    }

    fn strangers_are_refused(&self) -> Result<()> {
        for password in ["", "operator:guessed"] {
            let mut command = self.bench.lab.test_tree.command("curl");
            command.args([
                "--silent",
                "--insecure",
                "--noproxy",
                "*",
                "--max-time",
                "120",
                "--user",
                password,
            ]);
            command.args(["--output", "/dev/null", "--write-out", "%{http_code}"]);
            let output = command.arg(format!("{}/dav/", self.base)).output()?;
            let status = String::from_utf8_lossy(&output.stdout).into_owned();
            ensure!(status == "401", "a stranger is answered {status}");
        }
        Ok(())
    }

    /// A folder of many names goes there and comes back as it was.
    fn copies_a_folder(&self) -> Result<()> {
        let (out, back) = (self.bench.path("folder"), self.bench.path("folder-back"));
        for folder in [&out, &back] {
            if folder.exists() {
                fs::remove_dir_all(folder)?;
            }
        }
        fs::create_dir_all(out.join("Comptes rendus/2026"))?;
        for number in 0..40 {
            let text = format!("page {number}\n").repeat(number * 50);
            fs::write(out.join(format!("Comptes rendus/2026/séance n° {number}.md")), text)?;
        }
        let obscured = self.bench.lab.test_tree.output("rclone", &["obscure", &self.password])?;
        let obscured = String::from_utf8(obscured)?;
        let run = |words: &[&str]| {
            let mut command = self.bench.lab.test_tree.command("rclone");
            command.args(["--config", "/dev/null", "--no-check-certificate", "--retries", "1"]);
            command.args([
                "--webdav-url",
                &format!("{}/dav/", self.base),
                "--webdav-user",
                members::OPERATOR.login,
            ]);
            command.env("RCLONE_WEBDAV_PASS", obscured.trim()).args(words);
            done(&mut command)
        };
        run(&["copy", &out.display().to_string(), ":webdav:Archives"])?;
        run(&["copy", ":webdav:Archives", &back.display().to_string()])?;
        let mut diff = Command::new("diff");
        done(diff.arg("--recursive").arg(&out).arg(&back)).context("what came back differs")?;
        run(&["purge", ":webdav:Archives"])
    }

    /// Every test of litmus.
    fn passes_litmus(&self) -> Result<()> {
        let folder = self.bench.path("litmus");
        fs::create_dir_all(&folder)?;
        let mut command = self.bench.lab.test_tree.command("litmus");
        command.args([
            "--keep-going",
            &format!("{}/dav/", self.base),
            members::OPERATOR.login,
            &self.password,
        ]);
        let output = command.current_dir(&folder).output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        fs::write(folder.join("said"), &said)?;
        for (suite, tests) in LITMUS {
            let wanted =
                format!("<- summary for `{suite}': of {tests} tests run: {tests} passed, 0 failed. 100.0%");
            ensure!(said.contains(&wanted), "`{suite}` is not {tests} of {tests}:\n{said}");
        }
        Ok(())
    }

    /// Sends a file and gives its bytes, once the box has said that it has it.
    fn acknowledged(&self, name: &str) -> Result<Vec<u8>> {
        let bytes: Vec<u8> = (0..BIG).map(|at| u8::try_from(at * 31 % 251).unwrap_or_default()).collect();
        let file = self.file(name, &bytes)?;
        self.curl(&["--upload-file", &file.display().to_string()], name)?;
        Ok(bytes)
    }

    /// The name stands in the listing of the folder, as it was given.
    fn is_there(&self, (name, _): (&str, &str)) -> Result<()> {
        let listed = self.curl(&["--request", "PROPFIND", "--header", "Depth: 1"], "")?;
        let listed = String::from_utf8(listed)?;
        ensure!(listed.contains(name) || listed.contains(NAME.1), "{name} is not listed: {listed}");
        Ok(())
    }
}

/// What the program takes, for the record.
fn memory(qemu: &Qemu) -> Result<()> {
    let script = "pid=$(systemctl show --property=MainPID --value mazet-files.service) && \
                  awk '/^Pss:/ { print int($2 / 1024) }' /proc/$pid/smaps_rollup";
    let files = qemu.shell()?.ask(script)?;
    eprintln!("  mazet-files: {} MiB (PSS), {} MiB in use", files.trim(), inside::memory_in_use(qemu)?);
    Ok(())
}

fn done(command: &mut Command) -> Result<()> {
    let output =
        command.output().with_context(|| format!("starting {:?}", Path::new(command.get_program())))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "it ended with {}: {}", output.status, said.trim());
    Ok(())
}
