//! What people see in a browser: `/files/` for who is signed in, `/s/` for who follows a link.
//!
//! | module | subject |
//! |---|---|
//! | [`guard`], [`member`] | headers, who asks, and whether they meant it |
//! | [`folder`], [`search`], [`about`] | what there is |
//! | [`raw`], [`kind`], [`zip`] | bytes, and how they are shown |
//! | [`acts`], [`choose`], [`upload`], [`bin`] | changes |
//! | [`versions`] | what there was |
//! | [`links`], [`shared`] | share links: their maker's pages, and what they open |
//! | [`resumed`] | uploads in pieces |
//! | [`catalogue`], [`language`], [`shown`], [`link`] | how it is said and written |
//! | [`view`], [`assets`], [`failure`] | pages |
//!
//! All works without JavaScript but uploads that go on where they stopped, and dropping files on a page.

mod about;
mod acts;
mod assets;
mod bin;
pub mod catalogue;
mod choose;
mod failure;
mod folder;
mod guard;
pub(crate) mod kind;
pub(crate) mod language;
mod link;
mod links;
mod member;
mod raw;
mod resumed;
mod search;
mod shared;
pub(crate) mod shown;
mod upload;
mod versions;
mod view;
mod zip;

pub use failure::Failure;

use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{any, get, post};

use crate::shares::Shares;
use crate::storage::Storage;
use crate::uploads::Uploads;

/// The longest form: the paths of all files on a page.
const BODY_BYTES: usize = 4 << 20;

/// What the pages are made of.
pub struct Site {
    storage: Storage,
    uploads: Uploads,
    shares: Arc<Shares>,
    pages: view::Pages,
}

/// The pages of these files: `/files/…`, `/s/…`.
///
/// # Errors
/// A page does not compile.
pub fn router(storage: &Storage, uploads: &Uploads, shares: Arc<Shares>) -> anyhow::Result<Router> {
    let site = Arc::new(Site {
        storage: storage.clone(),
        uploads: uploads.clone(),
        shares,
        pages: view::Pages::load().context("compiling the pages")?,
    });
    let own = seen().merge(changes()).merge(uploaded()).layer(from_fn(guard::key));
    // The last layer is the first that a request meets.
    Ok(own
        .merge(public())
        .route("/files/{*rest}", any(|| async { Failure::NotFound }))
        .route("/s/{token}/{*rest}", any(|| async { Failure::NoLink }))
        .layer(from_fn(guard::language))
        .layer(from_fn_with_state(Arc::clone(&site), guard::explain))
        .layer(from_fn(guard::headers))
        .with_state(site))
}

type Routes = Router<Arc<Site>>;

fn seen() -> Routes {
    Router::new()
        .route("/files", get(|| async { axum::response::Redirect::permanent("/files/") }))
        .route("/files/", get(folder::root))
        .route("/files/at/{*path}", get(folder::show))
        .route("/files/about/{*path}", get(about::show))
        .route("/files/raw/{*path}", get(raw::show))
        .route("/files/zip/{*path}", get(folder::zip))
        .route("/files/search", get(search::show))
        .route("/files/versions/", get(versions::root))
        .route("/files/versions/{*path}", get(versions::show))
        .route("/files/then/{moment}/", get(versions::root_then))
        .route("/files/then/{moment}/{*path}", get(versions::then))
        .route("/files/old/{moment}/{*path}", get(versions::raw))
}

fn changes() -> Routes {
    Router::new()
        .route("/files/new-folder", post(acts::new_folder))
        .route("/files/rename", post(acts::rename))
        .route("/files/rights", post(acts::rights))
        .route("/files/bring-back", post(versions::bring_back))
        .route("/files/selected", post(choose::selected))
        .route("/files/choose", post(choose::show))
        .route("/files/place", post(choose::place))
        .route("/files/uploads", post(resumed::begin))
        .route("/files/uploads/cancel", post(resumed::cancel_by_form))
        .route("/files/bin", get(bin::show).post(bin::act))
        .route("/files/links", get(links::show).post(links::make))
        .route("/files/links/take-back", post(links::take_back))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
}

/// Bodies of any length: they are written while they come.
fn uploaded() -> Routes {
    Router::new()
        .route("/files/upload", post(upload::save))
        .route("/files/uploads/{id}", get(resumed::state).patch(resumed::write).delete(resumed::cancel))
        .layer(DefaultBodyLimit::disable())
}

fn public() -> Routes {
    Router::new()
        .route("/s/assets/{name}", get(assets::show))
        .route("/s/{token}", get(shared::show).post(shared::unlock))
        .route("/s/{token}/at/{*path}", get(shared::show_within))
        .route("/s/{token}/raw", get(shared::raw))
        .route("/s/{token}/raw/{*path}", get(shared::raw_within))
        .route("/s/{token}/zip", get(shared::zip))
        .route("/s/{token}/zip/{*path}", get(shared::zip_within))
        .layer(DefaultBodyLimit::max(16 << 10))
}
