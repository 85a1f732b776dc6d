//! What there was: a file or folder at other moments, to be looked at, saved, and brought back.

use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde_json::{Value, json};

use super::failure::Failure;
use super::member::{Member, Sent, and_go};
use super::{acts, catalogue, folder, link, raw as bytes, shown};
use crate::snapshots::Moment;
use crate::storage::{Earlier, Entry, Error};

/// Where the versions of a file or folder are shown; null where nothing is kept.
pub async fn link_to(member: &Member, path: &str) -> Value {
    if member.view.has_earlier().await { link::versions(path).into() } else { Value::Null }
}

/// `GET /files/versions/`.
///
/// # Errors
/// The page cannot be made.
pub async fn root(member: Member) -> Result<Response, Failure> {
    page(&member, "").await
}

/// `GET /files/versions/{*path}`: the moments at which it was another one.
///
/// # Errors
/// Nothing is there, nor was.
pub async fn show(member: Member, Path(path): Path<String>) -> Result<Response, Failure> {
    page(&member, &path).await
}

async fn page(member: &Member, path: &str) -> Result<Response, Failure> {
    let earlier = member.view.earlier(path).await?;
    let now = match member.view.stat(path).await {
        Ok(entry) => Some(entry),
        Err(Error::NotFound) => None,
        Err(error) => return Err(error.into()),
    };
    let entry = now.as_ref().or(earlier.first().map(|one| &one.entry)).ok_or(Failure::NotFound)?;
    let home = member.say("folder.root", &[]);
    let name = if entry.name.is_empty() { &home } else { &entry.name };
    let title = member.say("versions.of", &[("name", name)]);
    let about = match &now {
        Some(entry) if entry.path.is_empty() => "/files/".to_owned(),
        Some(entry) => link::about(&entry.path),
        None => String::new(),
    };
    let data = json!({
        "crumbs": folder::crumbs(&home, link::parent(&entry.path)),
        "title": title,
        "is_folder": entry.is_folder,
        "gone": now.is_none(),
        "about": about,
        "name": name,
        "versions": earlier.iter().map(|one| row(member, one)).collect::<Vec<_>>(),
    });
    member.show("versions", &title, data)
}

fn row(member: &Member, one: &Earlier) -> Value {
    let Earlier { moment, entry } = one;
    let href =
        if entry.is_folder { link::then(*moment, &entry.path) } else { link::old(*moment, &entry.path) };
    json!({
        "moment": moment.name(),
        "title": member.say("versions.as_on", &[("date", &shown::moment(member.language, moment.time()))]),
        "href": href,
        "is_folder": entry.is_folder,
        "value": link::encoded(&entry.path),
        "size": shown::size(member.language, entry.size),
        "date": shown::moment(member.language, entry.modified),
        "time": shown::machine(entry.modified),
        "movable": entry.movable,
    })
}

/// `GET /files/then/{moment}/`.
///
/// # Errors
/// There was no such moment.
pub async fn root_then(member: Member, Path(moment): Path<String>) -> Result<Response, Failure> {
    folder_then(&member, &moment, "").await
}

/// `GET /files/then/{moment}/{*path}`: a folder as it was.
///
/// # Errors
/// It was not there.
pub async fn then(member: Member, Path((moment, path)): Path<(String, String)>) -> Result<Response, Failure> {
    match folder_then(&member, &moment, &path).await {
        Err(Failure::Files(Error::Kind)) => Ok(Redirect::to(&link::versions(&path)).into_response()),
        other => other,
    }
}

async fn folder_then(member: &Member, moment: &str, path: &str) -> Result<Response, Failure> {
    let moment = Moment::parse(moment).ok_or(Failure::NotFound)?;
    let (then, mut inside) = member.view.list_at(moment, path).await?;
    folder::sort(&mut inside, folder::By::Name);
    let number = member.query("page").parse().unwrap_or(1);
    let home = member.say("folder.root", &[]);
    let name = if then.name.is_empty() { &home } else { &then.name };
    let date = shown::moment(member.language, moment.time());
    let title = member.say("versions.then", &[("name", name), ("date", &date)]);
    let here = link::then(moment, &then.path);
    let rows = folder::of_page(&inside, number).iter().enumerate();
    let data = json!({
        "crumbs": crumbs(moment, &home, &then.path),
        "title": title,
        "moment": moment.name(),
        "folder": link::encoded(&then.path),
        "writable": then.writable,
        "count": catalogue::count(member.language, "list.entries", inside.len()),
        "pages": folder::pages(&here, folder::By::Name, inside.len(), number),
        "entries": rows.map(|(number, entry)| entry_then(member, moment, number, entry)).collect::<Vec<_>>(),
        "back": link::versions(&then.path),
    });
    member.show("then", &title, data)
}

fn entry_then(member: &Member, moment: Moment, number: usize, entry: &Entry) -> Value {
    let mut row = folder::row(member.language, number, entry);
    let href = if entry.is_folder { link::then(moment, &entry.path) } else { link::old(moment, &entry.path) };
    row["href"] = href.into();
    row["movable"] = entry.movable.into();
    row["versions"] = link::versions(&entry.path).into();
    row
}

/// The folders above one at a moment, from the root down, and itself.
fn crumbs(moment: Moment, home: &str, path: &str) -> Value {
    let mut crumbs = folder::crumbs(home, path);
    let mut at = String::new();
    for (depth, crumb) in crumbs.as_array_mut().into_iter().flatten().enumerate() {
        if depth > 0 {
            at = link::within(&at, crumb["name"].as_str().unwrap_or_default());
        }
        crumb["href"] = link::then(moment, &at).into();
    }
    crumbs
}

/// `GET /files/old/{moment}/{*path}`: shown where it can be; `?download`: saved.
///
/// # Errors
/// There was no such file.
pub async fn raw(
    member: Member,
    Path((moment, path)): Path<(String, String)>,
    uri: axum::http::Uri,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let moment = Moment::parse(&moment).ok_or(Failure::NotFound)?;
    let (file, entry) = member.view.open_at(moment, &path).await?;
    bytes::answer(&headers, file, &entry, bytes::is_download(&uri)).await
}

/// `POST /files/bring-back`: each `item` as it was `at` a moment comes back.
///
/// # Errors
/// It was not there, or cannot come.
pub async fn bring_back(form: Sent) -> Result<Response, Failure> {
    let moment = Moment::parse(form.get("at")).ok_or(Failure::Bad)?;
    let (items, mut last) = (form.paths("item")?, None);
    for path in &items {
        last = Some(form.member.view.bring_back(moment, path).await?);
    }
    match (last, items.as_slice()) {
        (None, _) => Ok(acts::nothing(&link::then(moment, &form.path("folder")?))),
        // Under which name, its page says.
        (Some(entry), [_]) => Ok(and_go(&link::about(&entry.path), "said.brought_back")),
        (Some(entry), _) => Ok(and_go(&link::folder(link::parent(&entry.path)), "said.brought_back")),
    }
}
