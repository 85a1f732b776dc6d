//! cadaver, a client for people who type.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use mazet_database::testing::program;
use mazet_files::testing::{TestBox, test_box};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, ChildStdin, Command};

use super::server::{self, Client};

/// How long cadaver may take for five requests.
const PATIENCE: Duration = Duration::from_secs(300);

/// It runs, and is told what to do.
struct Cadaver {
    child: Child,
    input: ChildStdin,
}

impl Cadaver {
    async fn start(home: &TestBox) -> Self {
        let address = server::on_loopback(home).await;
        let password = home.application_password("zoe").await.replace(' ', "");
        let secret = format!("machine 127.0.0.1 login zoe password {password}\n");
        fs::write(home.folder.join(".netrc"), secret).expect("written");
        let home = format!("HOME={}", home.folder.display());
        let mut command = Command::from(program(&[
            "env",
            &home,
            "LC_ALL=C.UTF-8",
            "cadaver",
            &format!("http://{address}/dav/"),
        ]));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("cadaver");
        let input = child.stdin.take().expect("a pipe");
        Self { child, input }
    }

    async fn type_in(&mut self, lines: &str) {
        self.input.write_all(lines.as_bytes()).await.expect("typed");
    }

    /// All that it said.
    async fn end(mut self) -> String {
        self.type_in("quit\n").await;
        drop(self.input);
        let output = self.child.wait_with_output().await.expect("ended");
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }
}

#[tokio::test]
async fn it_puts_gets_moves_locks_and_deletes() {
    let Some(home) = test_box().await else { return };
    let zoe = Client::of(&server::router(&home), "zoe");
    let (one, two, got) = (home.folder.join("one"), home.folder.join("two"), home.folder.join("got"));
    fs::write(&one, "first").expect("written");
    fs::write(&two, "second").expect("written");
    let mut cadaver = Cadaver::start(&home).await;
    let lines =
        format!("mkcol notes\nput {} a.txt\nmove a.txt notes/b.txt\nlock notes/b.txt\n", one.display());
    cadaver.type_in(&lines).await;
    let locked = async {
        while home.count("select count(*) from lock").await == 0 {
            let ended = cadaver.child.try_wait().expect("asked");
            assert!(ended.is_none(), "cadaver (package cadaver) ended: {ended:?}");
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, locked).await.expect("cadaver locks a file");
    assert_eq!(zoe.put("/dav/notes/b.txt", "of somebody else").await, 423);
    let lines =
        format!("put {} notes/b.txt\nunlock notes/b.txt\nget notes/b.txt {}\n", two.display(), got.display());
    cadaver.type_in(&lines).await;
    cadaver.type_in("copy notes/b.txt kept.txt\ndelete notes/b.txt\n").await;
    let said = cadaver.end().await;
    assert_eq!(fs::read_to_string(&got).expect(&said), "second", "{said}");
    assert_eq!(home.get("zoe", "kept.txt").await, "second", "{said}");
    assert_eq!(zoe.status("GET", "/dav/notes/b.txt", &[], "").await, 404, "{said}");
    assert_eq!(home.count("select count(*) from lock").await, 0);
    assert!(!said.contains("failed"), "{said}");
}
