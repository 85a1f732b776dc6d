//! Style sheet, script and logo, carried by the program.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

/// One file below `/assets/`.
struct Asset {
    name: &'static str,
    kind: &'static str,
    content: &'static str,
}

const ASSETS: [Asset; 3] = [
    Asset {
        name: "mazet.css",
        kind: "text/css; charset=utf-8",
        content: include_str!("../../assets/mazet.css"),
    },
    Asset {
        name: "mazet.js",
        kind: "text/javascript; charset=utf-8",
        content: include_str!("../../assets/mazet.js"),
    },
    Asset { name: "logo.svg", kind: "image/svg+xml", content: include_str!("../../assets/logo.svg") },
];

/// Changes when an asset does, so that browsers may keep them: the page that is shown while the
/// machine restarts must find its style without a server.
pub static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = DefaultHasher::new();
    ASSETS.iter().for_each(|asset| asset.content.hash(&mut hasher));
    format!("{:016x}", hasher.finish())
});

/// `GET /assets/{name}`.
pub async fn show(Path(name): Path<String>) -> Response {
    match ASSETS.iter().find(|asset| asset.name == name) {
        Some(asset) => (
            [(header::CONTENT_TYPE, asset.kind), (header::CACHE_CONTROL, "public, max-age=86400, immutable")],
            asset.content,
        )
            .into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// `GET /robots.txt`: nothing here is for search engines.
pub async fn robots() -> &'static str {
    "User-agent: *\nDisallow: /\n"
}
