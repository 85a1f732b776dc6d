//! What the official Nextcloud clients need to sync with the box: addresses, properties and headers of
//! their own beside plain WebDAV. The box is compatible with them, under its own name.
//!
//! | address | subject |
//! |---|---|
//! | `/status.php`, `/ocs/…` | what the box is and can, who the person is: `ocs` |
//! | `/remote.php/dav/files/<login>/`, `/remote.php/webdav/` | files: `dav`, `properties` |
//! | `/remote.php/dav/uploads/<login>/` | large files, in pieces: `uploads` |
//! | `/ocs/v2.php/apps/files_sharing/` | links for who has no account: `links` |
//! | `/index.php/core/preview`, `…/thumbnail/` | small pictures: `previews` |
//! | `/index.php/login/v2`, `/files/connect/` | a device is let in: `login` |
//!
//! Everything else is not there, and says so.

mod answer;
mod dav;
mod fields;
mod links;
mod login;
mod ocs;
mod path;
mod previews;
mod properties;
mod uploads;
mod xml;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{Method, Request, StatusCode};
use axum::response::Response;
use axum::routing::{any, get};

use crate::access::Access;
use crate::app::App;
use crate::pictures::Pictures;
use crate::shares::Shares;
use crate::storage::{Storage, View};
use answer::{Fault, MISSING, Result, empty};

/// Bytes of a call.
const CALL: usize = 64 << 10;

/// What these clients talk to.
#[derive(Clone)]
struct Cloud {
    storage: Storage,
    access: Access,
    uploads: uploads::Live,
    shares: Arc<Shares>,
    pictures: Arc<Pictures>,
}

/// All that is answered to them.
pub fn router(app: &App, shares: Arc<Shares>) -> Router {
    let cloud = Cloud {
        storage: app.storage.clone(),
        access: app.access.clone(),
        uploads: uploads::Live::default(),
        shares,
        pictures: Arc::clone(&app.pictures),
    };
    let calls = any(called).layer(DefaultBodyLimit::max(CALL));
    Router::new()
        .route("/status.php", get(ocs::status))
        .route("/ocs/{*call}", calls)
        .merge(previews::router())
        .route("/remote.php/{*path}", any(signed))
        .with_state(cloud)
        .merge(login::router(app))
}

/// A call of somebody who says login and password.
async fn called(State(cloud): State<Cloud>, request: Request<Body>) -> Response {
    match cloud.access.basic(request.headers()).await {
        Ok(login) => cloud.ocs(&login, request).await,
        Err(refused) => refused.response(),
    }
}

/// A request for files of somebody who says login and password.
async fn signed(State(cloud): State<Cloud>, request: Request<Body>) -> Response {
    match cloud.access.view(request.headers()).await {
        Ok(view) => cloud.remote(&view, request).await.unwrap_or_else(Fault::answer),
        Err(refused) => refused.response(),
    }
}

impl Cloud {
    async fn remote(&self, view: &View, request: Request<Body>) -> Result {
        match path::place(request.uri().path(), view.login()) {
            Some(path::Place::File { prefix, path }) => {
                dav::answer(&self.shares, view, &prefix, path, request).await
            }
            Some(path::Place::Upload { name, piece }) => {
                uploads::answer(&self.uploads, view, (&name, &piece), request).await
            }
            None if request.method() == Method::OPTIONS => Ok(empty(StatusCode::OK)),
            None => Err(MISSING),
        }
    }
}
