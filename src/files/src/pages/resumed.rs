//! Uploads that go on where they stopped: what the page's script asks.
//!
//! | request | answer |
//! |---|---|
//! | `POST /files/uploads`, a form with `csrf`, `folder`, `name`, `size` | 201, JSON `id`, `offset` |
//! | `GET` or `HEAD /files/uploads/{id}` | JSON `offset`, `total`; the same as `Upload-Offset`, `Upload-Length` |
//! | `PATCH /files/uploads/{id}`, bytes from `Upload-Offset` on | 200, JSON `offset`, and `path` when it is whole; 409 with `offset` where the bytes belong elsewhere |
//! | `DELETE /files/uploads/{id}` | 204 |
//!
//! `PATCH` and `DELETE` carry the form's token as `X-Csrf`; `PATCH` may say `Upload-Modified`, in
//! milliseconds since 1970, and `Upload-Replace`. Refusals are JSON with a text, `error`.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use uuid::Uuid;

use super::failure::Failure;
use super::member::{Member, Sent, and_go};
use super::{Site, acts, link, shown};
use crate::uploads::Progress;

/// `POST /files/uploads`.
///
/// # Errors
/// The file cannot go there, or there is no room for it.
pub async fn begin(form: Sent) -> Result<Response, Failure> {
    let size: u64 = form.get("size").parse().map_err(|_| Failure::Bad)?;
    let path = acts::name_in(&form.path("folder")?, &form.path("name")?)?;
    let upload = form.member.site.uploads.begin(&form.member.view, &path, size).await?;
    Ok((StatusCode::CREATED, Json(json!({ "id": upload.id.to_string(), "offset": 0 }))).into_response())
}

/// `GET /files/uploads/{id}`.
///
/// # Errors
/// It is not there, or somebody else's.
pub async fn state(member: Member, Path(id): Path<String>) -> Result<Response, Failure> {
    let upload = member.site.uploads.get(&member.view, number(&id)?).await?;
    let headers =
        [("upload-offset", upload.received.to_string()), ("upload-length", upload.total.to_string())];
    Ok((headers, Json(json!({ "offset": upload.received, "total": upload.total }))).into_response())
}

/// `PATCH /files/uploads/{id}`.
///
/// # Errors
/// It is not there, or cannot be written or take its place.
pub async fn write(
    State(site): State<Arc<Site>>,
    member: Member,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    member.meant(&headers, header(&headers, "x-csrf"))?;
    let offset = header(&headers, "upload-offset").parse().map_err(|_| Failure::Bad)?;
    let modified = shown::from_milliseconds(header(&headers, "upload-modified"));
    let how = (modified, !header(&headers, "upload-replace").is_empty());
    let progress =
        site.uploads.write(&member.view, number(&id)?, offset, body.into_data_stream(), how).await?;
    Ok(match progress {
        Progress::Received(offset) => Json(json!({ "offset": offset })).into_response(),
        Progress::Done(entry) => {
            Json(json!({ "offset": entry.size, "path": link::encoded(&entry.path), "name": entry.name }))
                .into_response()
        }
        Progress::Elsewhere(offset) => {
            (StatusCode::CONFLICT, Json(json!({ "offset": offset }))).into_response()
        }
        Progress::Busy => return Err(Failure::Busy),
    })
}

/// `DELETE /files/uploads/{id}`.
///
/// # Errors
/// It is not there, or a piece is on its way.
pub async fn cancel(
    member: Member,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Failure> {
    member.meant(&headers, header(&headers, "x-csrf"))?;
    member.site.uploads.cancel(&member.view, number(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /files/uploads/cancel`: the same by a form.
///
/// # Errors
/// As [`cancel`].
pub async fn cancel_by_form(form: Sent) -> Result<Response, Failure> {
    form.member.site.uploads.cancel(&form.member.view, number(form.get("id"))?).await?;
    Ok(and_go(&link::folder(&form.path("folder")?), "said.upload_cancelled"))
}

/// What a folder's page says of somebody's uploads into it that are not whole.
///
/// # Errors
/// The database does not answer.
pub async fn unfinished(member: &Member, folder: &str) -> Result<Value, Failure> {
    let uploads = member.site.uploads.list(&member.view).await?;
    let row = |upload: &crate::uploads::Upload| {
        let size = |bytes| shown::size(member.language, bytes);
        json!({
            "id": upload.id.to_string(),
            "name": link::name(&upload.path),
            "folder": link::encoded(link::parent(&upload.path)),
            "text": member.say("upload.part", &[("received", &size(upload.received)), ("total", &size(upload.total))]),
        })
    };
    Ok(uploads.iter().filter(|upload| link::parent(&upload.path) == folder).map(row).collect())
}

fn number(id: &str) -> Result<Uuid, Failure> {
    id.parse().map_err(|_| Failure::NotFound)
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
