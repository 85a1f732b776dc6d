//! The installed box: its home page, and the page that ends the wizard.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::json;

use super::app::App;
use super::failure::Failure;
use super::language;
use super::pages::Page;

/// `GET /`.
///
/// # Errors
/// The broker fails.
pub async fn show(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Failure> {
    answer(&app, &headers, "home", "home.title", "/").await
}

/// `GET /done`: where the wizard's last page leads once the installed box answers.
///
/// # Errors
/// The broker fails.
pub async fn done(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Failure> {
    answer(&app, &headers, "done", "done.title", "/done").await
}

async fn answer(
    app: &App,
    headers: &HeaderMap,
    template: &'static str,
    title: &'static str,
    path: &str,
) -> Result<Response, Failure> {
    let status = app.broker.status().await?;
    let language = language::of(headers).unwrap_or(status.language);
    let data = json!({
        "organisation": status.organisation,
        "name": status.name,
        "version": status.version,
        "address": format!("https://{}.local/", status.name),
        "keeps_medium": status.keeps_medium,
    });
    Ok(app.pages.response(language, StatusCode::OK, &Page::new(template, title, path, data))?)
}
