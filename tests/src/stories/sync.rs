//! The installed box with what people have on their computers: two of them keep a folder in step by the official
//! client of Nextcloud, somebody types into cadaver, and a desktop's browser drops a picture into a folder, under
//! both web servers.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mazet_boot::firmware::Firmware;
use mazet_boot::watch::Goal;

use crate::browser::{Browser, ENGLISH_DESKTOP};
use crate::dav::{Client, encoded};
use crate::inside;
use crate::lab::Bench;
use crate::members;
use crate::stories::{install, web_server};

/// Bytes of a file that the client sends in parts.
const LARGE: usize = 12 << 20;
/// Largest side of the small picture that a client asks for, in pixels.
const SMALL: u32 = 64;

/// Everything of it, on the disk that the French installation left.
pub fn is_kept(bench: &Bench) -> Result<()> {
    let machine = bench.machine("sync", Firmware::Bios).disk(install::installed(bench)?);
    let qemu = bench.boot(&machine, &Goal::home())?;
    qemu.shell()?.wait_ready(Duration::from_secs(300))?;
    let base = format!("https://127.0.0.1:{}", qemu.port(443)?);
    let desktop = members::operator(bench, &base, ENGLISH_DESKTOP, "en")?;
    let client = Client::of(bench, &desktop, &base)?;
    for server in ["nginx", "apache"] {
        web_server::choose(&qemu, server)?;
        desktop.forget_complaints()?;
        let person = Person { client: &client, server };
        person.keeps_two_computers_in_step().with_context(|| format!("nextcloudcmd, under {server}"))?;
        person.types().with_context(|| format!("cadaver, under {server}"))?;
        person.drops_a_picture(&desktop).with_context(|| format!("the pages, under {server}"))?;
    }
    inside::no_unit_failed(&qemu)
}

/// The operator, with programs of their own.
struct Person<'a> {
    client: &'a Client<'a>,
    server: &'a str,
}

impl Person<'_> {
    /// Both ways: new, edited, renamed, deleted, changed on both sides.
    fn keeps_two_computers_in_step(&self) -> Result<()> {
        let (office, home) = (self.computer("office")?, self.computer("home")?);
        office.write("Été à l’étang/à lire.txt", "one")?;
        office.write("Été à l’étang/to go.txt", "two")?;
        office.write("plan.bin", vec![b'p'; LARGE])?;
        office.sync()?;
        home.sync()?;
        home.is_like(&office).context("after the first time")?;
        home.write("Été à l’étang/à lire.txt", "one, edited")?;
        fs::remove_file(home.path("Été à l’étang/to go.txt"))?;
        fs::rename(home.path("plan.bin"), home.path("Été à l’étang/plan moved.bin"))?;
        home.sync()?;
        office.sync()?;
        office.is_like(&home).context("after changes at home")?;
        let edited = fs::read_to_string(office.path("Été à l’étang/à lire.txt"))?;
        ensure!(edited == "one, edited", "the office reads {edited:?}");
        ensure!(!office.path("plan.bin").exists(), "what was moved at home is still in its place");
        office.write("Été à l’étang/à lire.txt", "of the office")?;
        home.write("Été à l’étang/à lire.txt", "of home, and longer")?;
        office.sync()?;
        home.sync()?;
        let both = home.texts_in("Été à l’étang")?;
        for text in ["of the office", "of home, and longer"] {
            ensure!(both.iter().any(|found| found == text), "{text:?} is lost; there is {both:?}");
        }
        for computer in [office, home] {
            fs::remove_dir_all(&computer.folder)?;
        }
        Ok(())
    }

    /// Another computer of theirs, with nothing on it; it keeps a folder of this server's name in step.
    fn computer(&self, name: &str) -> Result<Computer<'_>> {
        let folder = self.client.bench.path(&format!("{name}-{}", self.server));
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(folder.join("kept"))?;
        self.secret_in(&folder)?;
        let remote = format!("step-{}", self.server);
        // The folder may be there already: the other computer's.
        let made = self.client.curl(&["--request", "MKCOL"], &remote);
        if made.is_err() {
            self.client.curl(&["--request", "PROPFIND", "--header", "Depth: 0"], &remote)?;
        }
        Ok(Computer { client: self.client, folder, remote })
    }

    /// The password where programs look for it: not on their command line.
    fn secret_in(&self, home: &Path) -> Result<()> {
        Ok(fs::write(home.join(".netrc"), self.client.secret())?)
    }

    /// What a session with cadaver leaves.
    fn types(&self) -> Result<()> {
        let (sent, got) = (self.client.file("typed", b"typed")?, self.client.bench.path("got"));
        if got.exists() {
            fs::remove_file(&got)?;
        }
        self.secret_in(&self.client.bench.folder)?;
        let folder = format!("typed-{}", self.server);
        let lines = format!(
            "mkcol {folder}\ncd {folder}\nput {} a.txt\nmove a.txt b.txt\ncopy b.txt c.txt\nlock b.txt\n\
             unlock b.txt\nget c.txt {}\ndelete c.txt\nquit\n",
            sent.display(),
            got.display()
        );
        // It asks whether it may trust the box, which it does on a terminal alone.
        let mut command = self.client.bench.lab.test_tree.command("timeout");
        let home = format!("HOME={}", self.client.bench.folder.display());
        let words = format!("cadaver {}/dav/", self.client.base);
        command.args([
            "300",
            "env",
            &home,
            "LC_ALL=C.UTF-8",
            "TERM=dumb",
            "script",
            "-qec",
            &words,
            "/dev/null",
        ]);
        let output = typed(&mut command, &format!("y\n{lines}"))?;
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        ensure!(!said.contains("failed"), "it says: {said}");
        ensure!(fs::read(&got).with_context(|| said.clone())? == b"typed", "it got something else: {said}");
        let left = self.client.get(&format!("{folder}/b.txt")).with_context(|| said.clone())?;
        ensure!(left == b"typed", "it left something else");
        let gone = self.client.get(&format!("{folder}/c.txt"));
        ensure!(gone.is_err(), "what it deleted is there");
        Ok(())
    }

    /// Drops a picture on a page, sees it there, and gets it small as a client asks for it.
    fn drops_a_picture(&self, desktop: &Browser) -> Result<()> {
        let shot = format!("step-{}", self.server);
        desktop.go(&format!("{}/files/", self.client.base))?;
        desktop.wait_for("//h1[@id='folder']")?;
        desktop.page_is_well(&shot, "en")?;
        let name = format!("Photo n° 1 {}.png", self.server);
        let photo = self.client.bench.path(&name);
        fs::copy(self.client.bench.path(&format!("pictures/{shot}.png")), &photo)?;
        desktop.drop_file(&photo)?;
        desktop.click(&format!("//ul[@id='entries']//a[contains(., '{name}')]"))?;
        desktop.wait_for("//h1[@id='name-title']")?;
        desktop.shows_picture(".preview img")?;
        desktop.page_is_well(&format!("photo-{}", self.server), "en")?;
        let kept = self.client.get(&encoded(&name))?;
        ensure!(kept == fs::read(&photo)?, "the picture came changed");
        let path = encoded(&format!("/{name}"));
        let small = self
            .client
            .ask(&[], &format!("/index.php/core/preview.png?file={path}&x={SMALL}&y={SMALL}&a=1"))?;
        let (width, height) = jpeg_size(&small).context("what a client gets is no small picture")?;
        ensure!(width.max(height) == SMALL, "the small picture has {width} × {height} pixels");
        self.makes_a_link(&path, &kept)
    }

    /// As a client does it; whoever has the address gets the file.
    fn makes_a_link(&self, path: &str, kept: &[u8]) -> Result<()> {
        let words = ["--header", "OCS-APIRequest: true", "--data", &format!("path={path}&shareType=3")];
        let shares = "/ocs/v2.php/apps/files_sharing/api/v1/shares?format=json";
        let told: serde_json::Value = serde_json::from_slice(&self.client.ask(&words, shares)?)?;
        let url = told["ocs"]["data"]["url"].as_str().with_context(|| format!("no address in {told}"))?;
        let token = url.rsplit_once("/s/").with_context(|| format!("{url} is no link"))?.1;
        let bytes = self.client.strangers(&format!("/s/{token}/raw"))?;
        ensure!(bytes == kept, "the link gives something else");
        Ok(())
    }
}

/// A computer with the official client.
struct Computer<'a> {
    client: &'a Client<'a>,
    /// The client's home.
    folder: PathBuf,
    /// The folder of the box that is kept in step.
    remote: String,
}

impl Computer<'_> {
    fn path(&self, path: &str) -> PathBuf {
        self.folder.join("kept").join(path)
    }

    fn write(&self, path: &str, bytes: impl AsRef<[u8]>) -> Result<()> {
        let path = self.path(path);
        fs::create_dir_all(path.parent().context("a folder")?)?;
        fs::write(&path, bytes).with_context(|| format!("writing {}", path.display()))
    }

    fn sync(&self) -> Result<()> {
        let mut command = self.client.bench.lab.test_tree.command("env");
        command.args([&format!("HOME={}", self.folder.display()), "LC_ALL=C.UTF-8", "nextcloudcmd"]);
        command.args(["--trust", "--non-interactive", "-n", "--path", &format!("/{}", self.remote)]);
        let output = command.arg(self.path("")).arg(&self.client.base).stdin(Stdio::null()).output()?;
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        ensure!(output.status.success(), "it ended with {}:\n{said}", output.status);
        Ok(())
    }

    /// The same names and bytes, but for the client's own files.
    fn is_like(&self, other: &Self) -> Result<()> {
        let mut command = Command::new("diff");
        command.args(["--recursive", "--exclude=.sync_*", "--exclude=.nextcloudsync.log"]);
        let output = command.arg(self.path("")).arg(other.path("")).output().context("starting diff")?;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "the two computers differ: {said}");
        Ok(())
    }

    /// What the small files of a folder hold.
    fn texts_in(&self, folder: &str) -> Result<Vec<String>> {
        let entries = fs::read_dir(self.path(folder))?.collect::<std::io::Result<Vec<_>>>()?;
        let texts = entries.iter().map(|entry| fs::read_to_string(entry.path()));
        Ok(texts.collect::<std::io::Result<_>>()?)
    }
}

/// Runs a program that reads what somebody types.
fn typed(command: &mut Command, lines: &str) -> Result<Output> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().context("starting it")?;
    let mut input = child.stdin.take().context("it reads nothing")?;
    input.write_all(lines.as_bytes()).context("typing")?;
    drop(input);
    Ok(child.wait_with_output()?)
}

/// Width and height of a JPEG file, from the head of its frame (ITU-T T.81, B.2.2).
fn jpeg_size(bytes: &[u8]) -> Result<(u32, u32)> {
    let mut rest = bytes.strip_prefix(b"\xff\xd8").context("it does not begin as a JPEG file")?;
    loop {
        let head: &[u8; 4] = rest.first_chunk().context("it has no frame")?;
        ensure!(head[0] == 0xff, "there is no marker where one must be");
        let number =
            |at: usize| rest.get(at..at + 2).map(|two| u32::from(u16::from_be_bytes([two[0], two[1]])));
        if matches!(head[1], 0xc0..=0xc2) {
            return number(7).zip(number(5)).context("its frame has no size");
        }
        rest = number(2).and_then(|length| rest.get(2 + length as usize..)).context("it ends too early")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_a_picture_is_in_its_frame() {
        let file = b"\xff\xd8\xff\xe0\0\x04\0\0\xff\xc0\0\x0b\x08\x01\x2c\x01\x90";
        assert_eq!(jpeg_size(file).expect("a size"), (400, 300));
        for (bytes, length) in [(&file[..], 9), (b"\x89PNG\r\n", 6), (b"\xff\xd8\xff\xe0\xff\xff", 6)] {
            assert!(jpeg_size(&bytes[..length]).is_err(), "{bytes:?}");
        }
    }
}
