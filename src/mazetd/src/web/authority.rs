//! How to make a device trust the box's own authority: for everybody, over plain HTTP too, since a
//! browser that does not trust the box yet warns of its HTTPS.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use handlebars::html_escape;
use serde_json::json;

use super::app::App;
use super::broker::unexpected;
use super::failure::Failure;
use super::pages::Page;
use super::{form, language};
use crate::certificates::grouped;
use crate::protocol::{Request, Response as Reply, Status};
use crate::tls::Certificate;

/// The page's path.
const PATH: &str = "/authority/";

/// The authority's certificate.
pub struct Authority {
    /// As PEM.
    pub pem: String,
    /// What it says.
    pub certificate: Certificate,
}

impl Authority {
    /// Asks the broker for it.
    ///
    /// # Errors
    /// The broker fails, or answers with something else.
    pub async fn ask(app: &App) -> Result<Self, Failure> {
        match app.broker.ask(&Request::Authority).await? {
            Reply::Authority { pem } => Ok(Self { certificate: Certificate::from_pem(pem.as_bytes())?, pem }),
            other => Err(unexpected(&Request::Authority, &other).into()),
        }
    }
}

/// `GET /authority/`.
///
/// # Errors
/// The broker fails.
pub async fn show(State(app): State<Arc<App>>, headers: HeaderMap, uri: Uri) -> Result<Response, Failure> {
    let (authority, status) = (Authority::ask(&app).await?, app.broker.status().await?);
    // Over plain HTTP a browser keeps no choice of ours: it stands in the address.
    let asked = language::parse(&form::query(&uri.to_string(), "lang"));
    let language = asked.or_else(|| language::of(&headers)).unwrap_or(status.language);
    let host = format!("{}.local", status.name);
    let names: Vec<String> =
        authority.certificate.permitted()?.into_iter().filter(|name| !name.contains('/')).collect();
    let data = json!({
        "host": host,
        "name": authority.certificate.subject()?,
        "groups": grouped(&authority.certificate.fingerprint()),
        "names": names.join(", "),
        "until": super::dates::shown(language, authority.certificate.end()?.unix_timestamp()),
        "file": file(&status),
        "plain": is_plain(&headers),
    });
    Ok(app.pages.response(
        language,
        StatusCode::OK,
        &Page::new("authority", "authority.title", PATH, data),
    )?)
}

/// Did it come over plain HTTP? The front web server says so; nobody else can.
pub fn is_plain(headers: &HeaderMap) -> bool {
    headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "http")
}

/// Name of the downloaded files, without ending.
fn file(status: &Status) -> String {
    format!("mazet-{}", status.name)
}

fn download(kind: &str, name: Option<String>, content: Vec<u8>) -> Response {
    let mut response = ([(header::CONTENT_TYPE, kind.to_owned())], content).into_response();
    let disposition = name.and_then(|name| format!("attachment; filename=\"{name}\"").parse().ok());
    if let Some(disposition) = disposition {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
    }
    response
}

/// `GET /authority/mazet.crt`: DER.
///
/// # Errors
/// The broker fails.
pub async fn der(State(app): State<Arc<App>>) -> Result<Response, Failure> {
    let (authority, status) = (Authority::ask(&app).await?, app.broker.status().await?);
    let name = format!("{}.crt", file(&status));
    Ok(download("application/x-x509-ca-cert", Some(name), authority.certificate.der))
}

/// `GET /authority/mazet.pem`.
///
/// # Errors
/// The broker fails.
pub async fn pem(State(app): State<Arc<App>>) -> Result<Response, Failure> {
    let (authority, status) = (Authority::ask(&app).await?, app.broker.status().await?);
    let name = format!("{}.pem", file(&status));
    Ok(download("application/x-pem-file", Some(name), authority.pem.into_bytes()))
}

/// `GET /authority/mazet.mobileconfig`: a configuration profile for Apple's systems.
///
/// # Errors
/// The broker fails.
pub async fn profile(State(app): State<Arc<App>>) -> Result<Response, Failure> {
    let (authority, status) = (Authority::ask(&app).await?, app.broker.status().await?);
    let text = profile_of(&authority, &status)?;
    // No name: Safari offers to install what it would otherwise keep as a file.
    Ok(download("application/x-apple-aspen-config", None, text.into_bytes()))
}

/// The profile (Apple's Configuration Profile Reference: `Configuration`, `com.apple.security.root`).
fn profile_of(authority: &Authority, status: &Status) -> Result<String, Failure> {
    let body: String = authority.pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let name = html_escape(&authority.certificate.subject()?);
    let identifier = format!("local.{}.authority", html_escape(&status.name));
    let organisation = html_escape(&status.organisation);
    let [outer, inner] = uuids(&authority.certificate);
    Ok(format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>PayloadType</key><string>Configuration</string>
	<key>PayloadVersion</key><integer>1</integer>
	<key>PayloadIdentifier</key><string>{identifier}</string>
	<key>PayloadUUID</key><string>{outer}</string>
	<key>PayloadDisplayName</key><string>{name}</string>
	<key>PayloadOrganization</key><string>{organisation}</string>
	<key>PayloadContent</key>
	<array>
		<dict>
			<key>PayloadType</key><string>com.apple.security.root</string>
			<key>PayloadVersion</key><integer>1</integer>
			<key>PayloadIdentifier</key><string>{identifier}.certificate</string>
			<key>PayloadUUID</key><string>{inner}</string>
			<key>PayloadDisplayName</key><string>{name}</string>
			<key>PayloadContent</key><data>{body}</data>
		</dict>
	</array>
</dict>
</plist>
"#
    ))
}

/// Two identifiers that are the same as long as the certificate is (RFC 9562 § 5.8).
fn uuids(certificate: &Certificate) -> [String; 2] {
    let digits = certificate.fingerprint().replace(':', "");
    [0, 32].map(|from| {
        let half = &digits[from..from + 32];
        format!("{}-{}-8{}-8{}-{}", &half[..8], &half[8..12], &half[13..16], &half[17..20], &half[20..])
    })
}
