//! What answers: one router for all locations of the files.
//!
//! | location | who | what |
//! |---|---|---|
//! | `/dav/` | login and password | WebDAV |
//! | `/status.php`, `/ocs/`, `/remote.php/`, `/index.php/` | login and password | what sync clients need |
//! | `/files/` | signed in to the box | pages |
//! | `/s/` | who has a link | what it opens |
//! | `/check` | the box itself, by its socket | is all well? |
//!
//! `/check` is no location of the front web server: nobody else comes to it.

use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, Response, StatusCode};
use axum::routing::{any, get, post};

use crate::access::Access;
use crate::pictures::Pictures;
use crate::shares::Shares;
use crate::storage::Storage;
use crate::uploads::Uploads;
use crate::{dav, nextcloud, pages};

/// Where WebDAV is.
pub const DAV: &str = "/dav";

/// What all requests share.
#[derive(Clone)]
pub struct App {
    /// The files.
    pub storage: Storage,
    /// Who may.
    pub access: Access,
    /// Uploads in pieces.
    pub uploads: Uploads,
    /// Makes small pictures.
    pub pictures: Arc<Pictures>,
}

/// All that is answered.
///
/// # Errors
/// When the pages or the links cannot be made ready.
pub fn router(app: App) -> anyhow::Result<Router> {
    let shares = Arc::new(Shares::new(app.storage.clone()).context("reading the key of links")?);
    let pages = pages::router(&app.storage, &app.uploads, Arc::clone(&shares))?;
    let nextcloud = nextcloud::router(&app, shares);
    let router = Router::new()
        .route("/check", get(check))
        .route("/scan", post(scan))
        .route("/dav", any(webdav))
        .route("/dav/", any(webdav))
        .route("/dav/{*path}", any(webdav))
        .with_state(app);
    Ok(router.merge(pages).merge(nextcloud))
}

async fn webdav(State(app): State<App>, request: Request<Body>) -> Response<Body> {
    match app.access.view(request.headers()).await {
        Ok(view) => dav::answer(view, DAV, None, request).await.response,
        Err(refused) => refused.response(),
    }
}

/// Do the databases and the disk answer?
async fn check(State(app): State<App>) -> (StatusCode, String) {
    match app.storage.check().await {
        Ok(()) => (StatusCode::OK, "well\n".to_owned()),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")),
    }
}

/// Looks for what was changed by hand.
async fn scan(State(app): State<App>) -> (StatusCode, String) {
    match app.storage.scan().await {
        Ok(found) => (StatusCode::OK, format!("{found}\n")),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")),
    }
}
