//! What answers: one router for all locations of the files.
//!
//! | location | who | what |
//! |---|---|---|
//! | `/dav/` | login and password | WebDAV |
//! | `/status.php`, `/ocs/`, `/remote.php/`, `/index.php/` | login and password | what sync clients need |
//! | `/files/` | signed in to the box | pages |
//! | `/s/` | who has a link | what it opens |
//! | `/check` | the box itself, by its socket | is all well? |
//! | `/scan` | the same | looks for what was changed by hand |
//! | `/publish` | the same | makes a folder that is to be a web site |
//!
//! The last three are no locations of the front web server: nobody else comes to them.

use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{Request, Response, StatusCode};
use axum::routing::{any, get, post};
use serde::Deserialize;

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
        .route("/publish", post(publish))
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

/// Which folder is to be a web site.
#[derive(Deserialize)]
struct Published {
    /// The association's number.
    organisation: i64,
    /// Its path among the association's files.
    folder: String,
}

/// Makes a folder that is to be a web site; the body is its first page.
async fn publish(State(app): State<App>, Query(wish): Query<Published>, page: Bytes) -> (StatusCode, String) {
    match app.storage.publish(wish.organisation, &wish.folder, ("index.html", &page)).await {
        Ok(true) => (StatusCode::CREATED, format!("made {:?}\n", wish.folder)),
        Ok(false) => (StatusCode::OK, format!("{:?} is there\n", wish.folder)),
        Err(error) => (StatusCode::CONFLICT, format!("making {:?}: {error}\n", wish.folder)),
    }
}
