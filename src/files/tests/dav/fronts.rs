//! Behind both front web servers, as the box's own templates and the service's manifest describe them.

use std::fs;

use mazet_database::testing::program;
use mazet_files::serve;
use mazet_files::testing::front::{APACHE, Fronts, NGINX};
use mazet_files::testing::{PASSWORD, TestBox, test_box};

use super::{litmus, server};

/// What curl gets: body and status.
async fn curl(words: &[&str]) -> String {
    let fixed = ["curl", "--silent", "--insecure", "--noproxy", "*", "--write-out", " %{http_code}"];
    let mut command = tokio::process::Command::from(program(&[&fixed, words].concat()));
    let output = command.output().await.expect("curl");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn all_of_litmus_passes_behind_both_front_web_servers() {
    let Some(home) = test_box().await else { return };
    let password = home.application_password("zoe").await;
    let socket = home.folder.join("files.sock");
    let listener = serve::bind(&socket, None).expect("a socket");
    tokio::spawn(serve::until(std::future::pending(), listener, server::router(&home)));
    let fronts = Fronts::lay_out(&home, &socket);
    for kind in [NGINX, APACHE] {
        let running = fronts.start(kind).await;
        let url = |suite: &str| match suite {
            // It leaves out a test where the connection is encrypted.
            "http" => format!("http://127.0.0.1:{}/dav/", running.http),
            _ => format!("https://127.0.0.1:{}/dav/", running.https),
        };
        litmus::passes(url, "zoe", &password).await;
        nobody_is_believed(running.https).await;
        a_body_passes_while_it_comes(&home, running.https).await;
    }
}

/// The header by which the front web server says who asks is nobody else's.
async fn nobody_is_believed(https: u16) {
    for path in ["/dav/", "/files/", "/ocs/v1.php/cloud/user"] {
        let url = format!("https://127.0.0.1:{https}{path}");
        let said = curl(&["--header", "Mazet-Person: zoe", "--output", "/dev/null", &url]).await;
        let refused = [" 401", " 403", " 404", " 500", " 502", " 503"].contains(&said.as_str());
        assert!(refused, "{path}: {said}");
    }
}

/// 40 MB, without a length that is said before: no buffer of a front web server's own, no limit.
async fn a_body_passes_while_it_comes(home: &TestBox, https: u16) {
    let file = home.folder.join("large");
    fs::write(&file, vec![7; 40_000_000]).expect("written");
    let (user, url) = (format!("zoe:{PASSWORD}"), format!("https://127.0.0.1:{https}/dav/large"));
    let upload = file.display().to_string();
    let chunked = ["--http1.1", "--header", "Transfer-Encoding: chunked", "--user", &user, "--upload-file"];
    let said = curl(&[&chunked[..], &[&upload, &url]].concat()).await;
    assert!([" 201", " 204"].contains(&said.as_str()), "{said}");
    let got = home.folder.join("got");
    let output = got.display().to_string();
    assert_eq!(curl(&["--user", &user, "--output", &output, &url]).await, " 200");
    assert!(fs::read(&file).expect("read") == fs::read(&got).expect("read"));
}
