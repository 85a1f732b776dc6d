//! One file or folder: what it is, how it looks, what can be done to it.

use std::sync::Arc;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use mazet_model::settings::Language;
use serde_json::{Value, json};

use super::failure::Failure;
use super::kind::{self, Show};
use super::member::Member;
use super::{folder, link, raw, shown, versions};
use crate::storage::{Entry, View};

/// Bytes of a text that are shown.
const TEXT: u64 = 64 << 10;

/// `GET /files/about/{*path}`.
///
/// # Errors
/// There is nothing there.
pub async fn show(member: Member, Path(path): Path<String>) -> Result<Response, Failure> {
    page(&member, &path, StatusCode::OK, Value::Null).await
}

/// The page about a file or folder. `more`: what is wrong with a form on it, and what it had.
///
/// # Errors
/// There is nothing there.
pub async fn page(member: &Member, path: &str, status: StatusCode, more: Value) -> Result<Response, Failure> {
    let entry = member.view.stat(path).await?;
    if entry.path.is_empty() {
        return folder::page(member, "", status, Value::Null).await;
    }
    let home = member.say("folder.root", &[]);
    let mut data = json!({
        "crumbs": folder::crumbs(&home, link::parent(&entry.path)),
        "entry": folder::row(member.language, 0, &entry),
        "parent": link::encoded(link::parent(&entry.path)),
        "download": download(&entry),
        "versions": versions::link_to(member, &entry.path).await,
        "movable": entry.movable,
        "rights": rights(&member.view, &entry),
        "preview": preview(&member.view, &entry, &link::raw(&entry.path)).await?,
        "form": { "name": entry.name },
        "share": { "label": "", "until": "", "most": "" },
    });
    if let (Some(data), Value::Object(more)) = (data.as_object_mut(), more) {
        data.extend(more);
    }
    let title = entry.name.clone();
    member.show_with(status, "about", &title, data)
}

/// Who may change what is in the folder of an association or group, for who says so; else null.
fn rights(view: &View, entry: &Entry) -> Value {
    let mount = view.mounts().iter().find(|mount| mount.managed && mount.name == entry.path);
    mount.map_or(Value::Null, |mount| json!({ "read_only": mount.read_only }))
}

fn download(entry: &Entry) -> String {
    if entry.is_folder {
        format!("/files/zip/{}", link::encoded(&entry.path))
    } else {
        format!("{}?download=1", link::raw(&entry.path))
    }
}

/// How a file looks: what the template `preview` shows; null for what cannot be shown. `raw`: where its
/// bytes are.
///
/// # Errors
/// It cannot be read.
pub async fn preview(view: &View, entry: &Entry, raw: &str) -> Result<Value, Failure> {
    if entry.is_folder {
        return Ok(Value::Null);
    }
    let (file, entry) = view.open(&entry.path).await?;
    let file = Arc::new(file);
    let kind = kind::of(&raw::head(&file).await?);
    let mut preview = json!({
        "name": entry.name,
        "src": raw,
        "picture": kind.show == Show::Picture,
        "pdf": kind.show == Show::Pdf,
        "audio": kind.show == Show::Audio,
        "video": kind.show == Show::Video,
        "is_text": false,
    });
    match kind.show {
        Show::Not => return Ok(Value::Null),
        Show::Text => {
            let bytes = raw::piece(&file, TEXT).await?;
            preview["is_text"] = true.into();
            preview["text"] = String::from_utf8_lossy(&bytes).into();
            preview["cut"] = (entry.size > TEXT).into();
        }
        _ => {}
    }
    Ok(preview)
}

/// What a list says of a link's entry.
pub fn facts(language: Language, entry: &Entry) -> Value {
    json!({
        "name": entry.name,
        "is_folder": entry.is_folder,
        "size": shown::size(language, entry.size),
        "date": shown::moment(language, entry.modified),
        "time": shown::machine(entry.modified),
    })
}
