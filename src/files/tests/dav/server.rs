//! A server for tests: the real router on a loopback port, and requests to it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use base64::Engine as _;
use http_body_util::BodyExt as _;
use mazet_files::access::Access;
use mazet_files::app::{self, App};
use mazet_files::pictures::Pictures;
use mazet_files::serve;
use mazet_files::testing::{PASSWORD, TestBox};
use mazet_files::uploads::Uploads;
use tower::ServiceExt as _;

/// All that is answered.
pub fn router(home: &TestBox) -> axum::Router {
    let access = Access::new(&home.directory_place, &home.storage).expect("access");
    let uploads = Uploads::new(home.storage.clone());
    let pictures = Arc::new(Pictures::new(Path::new(env!("CARGO_BIN_EXE_mazet-files"))));
    app::router(App { storage: home.storage.clone(), access, uploads, pictures }).expect("pages")
}

/// Answers on a loopback port until the test ends.
pub async fn on_loopback(home: &TestBox) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(serve::until(std::future::pending(), listener, router(home)));
    address
}

/// A client of one person.
pub struct Client {
    router: axum::Router,
    authorization: String,
}

impl Client {
    pub fn new(router: &axum::Router, login: &str, password: &str) -> Self {
        let told = base64::engine::general_purpose::STANDARD.encode(format!("{login}:{password}"));
        Self { router: router.clone(), authorization: format!("Basic {told}") }
    }

    /// Somebody with their own password.
    pub fn of(router: &axum::Router, login: &str) -> Self {
        Self::new(router, login, PASSWORD)
    }

    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Response<Body> {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header("authorization", &self.authorization).header("host", "mazet.local");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.into()).expect("a request");
        self.router.clone().oneshot(request).await.expect("an answer")
    }

    pub async fn status(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> u16 {
        self.send(method, path, headers, body.to_owned()).await.status().as_u16()
    }

    pub async fn text(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
        let response = self.send(method, path, headers, body.to_owned()).await;
        text(response).await
    }

    pub async fn put(&self, path: &str, body: &str) -> StatusCode {
        let length = body.len().to_string();
        self.send("PUT", path, &[("content-length", &length)], body.to_owned()).await.status()
    }
}

pub async fn text(response: Response<Body>) -> String {
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    String::from_utf8(body.to_vec()).expect("text")
}
