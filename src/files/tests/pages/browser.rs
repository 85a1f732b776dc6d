//! Somebody with a browser, as the front web server passes their requests on.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use mazet_files::pages;
use mazet_files::shares::Shares;
use mazet_files::storage::Error;
use mazet_files::testing::TestBox;
use mazet_files::uploads::Uploads;
use tower::ServiceExt as _;

/// The cookie of every test's browser.
const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// A browser.
#[derive(Clone)]
pub struct Browser {
    router: Router,
    login: Option<&'static str>,
    cookies: String,
    address: &'static str,
}

/// An answer.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Browser {
    /// The browser of somebody signed in.
    pub fn of(home: &TestBox, login: &'static str) -> Self {
        let shares = Arc::new(Shares::new(home.storage.clone()).expect("a key"));
        let uploads = Uploads::new(home.storage.clone());
        let router = pages::router(&home.storage, &uploads, shares).expect("pages");
        Self {
            router,
            login: Some(login),
            cookies: format!("__Host-mazet-files={KEY}"),
            address: "192.0.2.1",
        }
    }

    /// Somebody else's, of the same program.
    pub fn also(&self, login: Option<&'static str>) -> Self {
        Self { login, ..self.clone() }
    }

    pub fn at(&self, address: &'static str) -> Self {
        Self { address, ..self.clone() }
    }

    pub fn with_cookie(&self, cookie: &str) -> Self {
        Self { cookies: format!("{}; {cookie}", self.cookies), ..self.clone() }
    }

    pub fn without_cookies(&self) -> Self {
        Self { cookies: String::new(), ..self.clone() }
    }

    pub fn request(&self, method: &str, path: &str) -> axum::http::request::Builder {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "mazet.local")
            .header(header::ACCEPT_LANGUAGE, "en")
            .header("x-forwarded-for", self.address)
            .header(header::COOKIE, &self.cookies);
        if let Some(login) = self.login {
            request = request.header("mazet-person", login);
        }
        request
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response: Response<Body> = self.router.clone().oneshot(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path).body(Body::empty()).expect("a request")).await
    }

    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = headers
            .iter()
            .fold(self.request("GET", path), |request, (name, value)| request.header(*name, *value));
        self.send(request.body(Body::empty()).expect("a request")).await
    }

    /// The token that this person's forms carry.
    pub async fn csrf(&self) -> String {
        let page = self.get("/files/links").await.text();
        match page.split("name=\"csrf\" value=\"").nth(1) {
            Some(rest) => rest[..64].to_owned(),
            // A page without a form.
            None => self.get("/files/").await.between("name=\"csrf\" value=\"", "\""),
        }
    }

    /// Sends a form of ours.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = self.csrf().await;
        let fields: Vec<(&str, &str)> =
            [("csrf", csrf.as_str())].into_iter().chain(fields.iter().copied()).collect();
        self.post_bare(path, &fields).await
    }

    /// Sends a form without a token.
    pub async fn post_bare(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let escape = |text: &str| {
            percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
        };
        let body: Vec<String> =
            fields.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
        let request =
            self.request("POST", path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(body.join("&").into()).expect("a request")).await
    }

    /// Sends the upload form with these files.
    pub async fn upload(&self, folder: &str, replace: bool, files: &[(&str, &[u8])]) -> Answer {
        let csrf = self.csrf().await;
        let mut body = Vec::new();
        let mut part = |head: &str, content: &[u8]| {
            body.extend_from_slice(
                format!("--xyz\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes(),
            );
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        };
        part("name=\"csrf\"", csrf.as_bytes());
        part("name=\"folder\"", folder.as_bytes());
        if replace {
            part("name=\"replace\"", b"1");
        }
        for (name, content) in files {
            part(&format!("name=\"file\"; filename=\"{name}\""), content);
        }
        body.extend_from_slice(b"--xyz--\r\n");
        let request = self
            .request("POST", "/files/upload")
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=xyz")
            .header(header::CONTENT_LENGTH, body.len());
        self.send(request.body(body.into()).expect("a request")).await
    }
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).expect("a text")
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a text"))
    }

    /// What stands between two texts of a page, the first time, as its reader sees it.
    pub fn between(&self, before: &str, after: &str) -> String {
        let text = self.text();
        let rest = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}")).1;
        let found = rest.split_once(after).expect("an end").0;
        let known = [
            ("&#x3D;", "="),
            ("&quot;", "\""),
            ("&lt;", "<"),
            ("&gt;", ">"),
            ("&#x27;", "'"),
            ("&amp;", "&"),
        ];
        known.iter().fold(found.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
    }

    /// It is a way to another page.
    #[track_caller]
    pub fn leads_to(&self, path: &str) {
        assert_eq!((self.status, self.header("location")), (StatusCode::SEE_OTHER, path), "{}", self.text());
    }

    /// It is a page that says so.
    #[track_caller]
    pub fn says(&self, status: u16, text: &str) {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert!(self.text().contains(text), "no {text:?} in {}", self.text());
    }
}

/// Writes a text of somebody, with the folders above it.
pub async fn file(home: &TestBox, login: &str, path: &str, text: &str) {
    let view = home.storage.view(login).await.expect("a view");
    for (end, _) in path.match_indices('/') {
        match view.create_folder(&path[..end]).await {
            Ok(_) | Err(Error::Exists) => {}
            Err(error) => panic!("{path}: {error}"),
        }
    }
    home.put(login, path, text).await;
}
