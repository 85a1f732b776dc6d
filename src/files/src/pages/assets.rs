//! What the pages of the files need beside the box's own style sheet and logo: public, as who follows a
//! share link needs it, too.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

const STYLE: &str = include_str!("../../assets/files.css");
const SCRIPT: &str = include_str!("../../assets/files.js");

/// Changes when an asset does, so that browsers may keep them.
pub static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = DefaultHasher::new();
    (STYLE, SCRIPT).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
});

/// `GET /s/assets/{name}`.
pub async fn show(Path(name): Path<String>) -> Response {
    let (kind, content) = match name.as_str() {
        "files.css" => ("text/css; charset=utf-8", STYLE),
        "files.js" => ("text/javascript; charset=utf-8", SCRIPT),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=86400, immutable")];
    (headers, content).into_response()
}
