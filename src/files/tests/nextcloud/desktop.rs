//! The desktop client with its windows, on a display that nobody sees: it signs in by the page that it opens
//! in a browser (Login Flow v2), and keeps a folder in step while both sides change.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use mazet_database::testing::program;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::client::walk;
use crate::login::{ZOE, page_and_form};
use crate::server::{Served, ask, served};

/// For anything that the client does: it looks at the box every 5 seconds.
const PATIENCE: Duration = Duration::from_secs(120);
/// What it is told beforehand: to look often, and for nothing newer than itself.
const SETTINGS: &str = "[General]\nskipUpdateCheck=true\n[Nextcloud]\nremotePollInterval=5000\n";
/// Stands for a browser: the address that it is to open is kept.
const BROWSER: &str =
    "#!/bin/sh\nprintf '%s' \"$1\" >\"$0.new\" && mv \"$0.new\" \"$(dirname \"$0\")/address\"\n";

/// A display that nobody sees.
struct Screen {
    _child: Child,
    number: String,
}

impl Screen {
    async fn start() -> Self {
        let words = ["Xvfb", "-displayfd", "1", "-screen", "0", "1024x768x24", "-nolisten", "tcp"];
        let mut command = Command::from(program(&words));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().expect("Xvfb");
        let mut number = String::new();
        let output = child.stdout.take().expect("a pipe");
        BufReader::new(output).read_line(&mut number).await.expect("a display");
        Self { _child: child, number: format!(":{}", number.trim()) }
    }
}

/// A computer with the client.
struct Desktop {
    screen: Screen,
    /// The client's settings, its browser, its log.
    home: TempDir,
    /// What is kept in step.
    folder: PathBuf,
}

impl Desktop {
    async fn new() -> Self {
        let home = tempfile::Builder::new().prefix("mazet-desktop-").tempdir().expect("a folder");
        let folder = home.path().join("synced");
        for path in ["bin", "run", ".config/Nextcloud"] {
            fs::create_dir_all(home.path().join(path)).expect("made");
        }
        fs::set_permissions(home.path().join("run"), Permissions::from_mode(0o700)).expect("set");
        fs::write(home.path().join(".config/Nextcloud/nextcloud.cfg"), SETTINGS).expect("written");
        let browser = home.path().join("bin/xdg-open");
        fs::write(&browser, BROWSER).expect("written");
        fs::set_permissions(&browser, Permissions::from_mode(0o755)).expect("set");
        Self { screen: Screen::start().await, home, folder }
    }

    fn client(&self, words: &[&str]) -> Command {
        let home = self.home.path().display();
        let environment = [
            format!("HOME={home}"),
            format!("XDG_RUNTIME_DIR={home}/run"),
            format!("PATH={home}/bin:/usr/bin:/bin"),
            format!("DISPLAY={}", self.screen.number),
        ];
        // Its set-up has a browser inside, which is never seen here and ends it where root starts it.
        let mut all = vec!["env", "LC_ALL=C.UTF-8", "QTWEBENGINE_DISABLE_SANDBOX=1"];
        all.extend(environment.iter().map(String::as_str));
        all.push("nextcloud");
        let mut command = Command::from(program(&[&all, words].concat()));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        command
    }

    /// The account is made as administrators make it. The client then keeps its password in the desktop's
    /// ring of keys; here is none, so that it must sign in when it starts.
    async fn set_up(&self, address: &str, password: &str) {
        let folder = self.folder.display().to_string();
        let log = self.log("set-up");
        let words = ["--logfile", &log, "--userid", "zoe", "--apppassword", password, "--serverurl", address];
        let mut client =
            self.client(&[&words[..], &["--localdirpath", &folder, "--isvfsenabled", "0"]].concat());
        let ended = timeout(PATIENCE, client.status()).await.expect("in time").expect("nextcloud");
        assert!(ended.success(), "nextcloud: {ended}\n{}", fs::read_to_string(log).unwrap_or_default());
    }

    fn start(&self) -> Child {
        let log = self.log("log");
        self.client(&["--background", "--logfile", &log, "--logflush"]).spawn().expect("nextcloud")
    }

    fn log(&self, name: &str) -> String {
        self.home.path().join(name).display().to_string()
    }

    /// Waits until something is so.
    async fn until(&self, what: &str, mut is: impl AsyncFnMut() -> bool) {
        let wait = async {
            while !is().await {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        if timeout(PATIENCE, wait).await.is_err() {
            let log = fs::read_to_string(self.log("log")).unwrap_or_default();
            let last: Vec<&str> = log.lines().rev().take(60).collect();
            panic!(
                "{what}: not in time; there is {:?}; the client says, last first:\n{}",
                self.names(),
                last.join("\n")
            );
        }
    }

    /// The path of the page that the client opens.
    async fn page(&self, address: &str) -> String {
        let file = self.home.path().join("bin/address");
        self.until("the client opens a page", async || file.exists()).await;
        let opened = fs::read_to_string(file).expect("readable");
        opened.strip_prefix(address).unwrap_or_else(|| panic!("another box: {opened}")).to_owned()
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }

    fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        walk(&self.folder, "", &mut names);
        names
    }
}

/// What the file has, if it is there.
fn has(path: &Path, text: &str) -> bool {
    fs::read_to_string(path).is_ok_and(|there| there == text)
}

/// What the box has there.
async fn on_the_box(box_: &Served, path: &str) -> Option<String> {
    let view = box_.home.storage.view("zoe").await.ok()?;
    let (file, _) = view.open(path).await.ok()?;
    std::io::read_to_string(file).ok()
}

async fn let_in(box_: &Served, page: &str) {
    let (text, form) = page_and_form(box_, page, "allow").await;
    assert!(text.contains("(Desktop Client - Linux)"), "{text}");
    assert_eq!(ask(box_, "POST", page, &ZOE, &form).await.0, 200);
}

#[tokio::test]
#[ignore = "takes a minute: ./mazet test --long"]
async fn the_desktop_client_signs_in_by_its_page_and_keeps_a_folder_in_step() {
    let Some(box_) = served().await else { return };
    let view = box_.home.storage.view("zoe").await.expect("a view");
    box_.home.put("zoe", "from the box.txt", "hello").await;
    let desktop = Desktop::new().await;
    desktop.set_up(&box_.address, &box_.home.application_password("zoe").await).await;
    desktop.write("Été/from the computer 😀.txt", "sable");
    let _client = desktop.start();
    let_in(&box_, &desktop.page(&box_.address).await).await;
    first_sync(&box_, &desktop).await;
    edits(&box_, &desktop).await;
    let id = view.stat("Été/from the computer 😀.txt").await.expect("there").id;
    fs::rename(desktop.path("Été/from the computer 😀.txt"), desktop.path("Été/renommé.txt"))
        .expect("renamed");
    view.move_to("from the box.txt", "renamed on the box.txt", false).await.expect("moved");
    desktop
        .until("both names change", async || {
            view.stat("Été/renommé.txt").await.is_ok_and(|entry| entry.id == id)
                && has(&desktop.path("renamed on the box.txt"), "hello, edited")
                && !desktop.path("from the box.txt").exists()
        })
        .await;
    fs::remove_file(desktop.path("Été/renommé.txt")).expect("removed");
    view.delete("renamed on the box.txt").await.expect("deleted");
    desktop
        .until("both are gone", async || {
            view.stat("Été/renommé.txt").await.is_err() && !desktop.path("renamed on the box.txt").exists()
        })
        .await;
    conflict(&box_, &desktop).await;
}

async fn first_sync(box_: &Served, desktop: &Desktop) {
    desktop
        .until("the first sync goes both ways", async || {
            has(&desktop.path("from the box.txt"), "hello")
                && on_the_box(box_, "Été/from the computer 😀.txt").await.as_deref() == Some("sable")
        })
        .await;
}

async fn edits(box_: &Served, desktop: &Desktop) {
    box_.home.put("zoe", "from the box.txt", "hello, edited").await;
    desktop.write("Été/from the computer 😀.txt", "sable, eau");
    desktop
        .until("both edits arrive", async || {
            has(&desktop.path("from the box.txt"), "hello, edited")
                && on_the_box(box_, "Été/from the computer 😀.txt").await.as_deref() == Some("sable, eau")
        })
        .await;
}

/// Both sides change the same file before the client looks.
async fn conflict(box_: &Served, desktop: &Desktop) {
    desktop.write("minutes.txt", "begun");
    desktop
        .until("a new file arrives", async || {
            on_the_box(box_, "minutes.txt").await.as_deref() == Some("begun")
        })
        .await;
    desktop.write("minutes.txt", "what the computer wrote");
    box_.home.put("zoe", "minutes.txt", "what the box has").await;
    desktop
        .until("both are kept", async || {
            let copy = desktop.names().into_iter().find(|name| name.contains("conflicted copy"));
            has(&desktop.path("minutes.txt"), "what the box has")
                && copy.is_some_and(|copy| has(&desktop.path(&copy), "what the computer wrote"))
        })
        .await;
}
