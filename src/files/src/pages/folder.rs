//! A folder: what is in it, some hundred at a time.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use mazet_model::settings::Language;
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::failure::Failure;
use super::member::Member;
use super::{catalogue, link, shown, zip as archive};
use crate::storage::{Entry, Error};

/// Entries on a page.
pub const MOST: usize = 500;

/// By what a folder is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Letters, whatever their case and accents.
    Name,
    /// The latest first.
    Date,
    /// The largest first.
    Size,
}

impl By {
    const ALL: [Self; 3] = [Self::Name, Self::Date, Self::Size];

    fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Date => "date",
            Self::Size => "size",
        }
    }

    /// What a query asks for.
    pub fn of(word: &str) -> Self {
        Self::ALL.into_iter().find(|by| by.word() == word).unwrap_or(Self::Name)
    }
}

/// Sorts a folder: other folders first, and those of associations and groups before them.
pub fn sort(entries: &mut [Entry], by: By) {
    let own = |entry: &Entry| (!entry.is_folder, entry.movable || !entry.shared);
    match by {
        By::Name => entries.sort_by_cached_key(|entry| (own(entry), plain(&entry.name))),
        By::Date => entries.sort_by_key(|entry| (own(entry), std::cmp::Reverse(entry.modified))),
        By::Size => entries.sort_by_key(|entry| (own(entry), std::cmp::Reverse(entry.size))),
    }
}

/// Small letters without accents.
fn plain(name: &str) -> String {
    name.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect()
}

/// `GET /files/`.
///
/// # Errors
/// The page cannot be made.
pub async fn root(member: Member) -> Result<Response, Failure> {
    page(&member, "", StatusCode::OK, Value::Null).await
}

/// `GET /files/at/{*path}`.
///
/// # Errors
/// There is no such folder.
pub async fn show(member: Member, Path(path): Path<String>) -> Result<Response, Failure> {
    match page(&member, &path, StatusCode::OK, Value::Null).await {
        Err(Failure::Files(Error::Kind)) => Ok(Redirect::to(&link::about(&path)).into_response()),
        other => other,
    }
}

/// `GET /files/zip/{*path}`: a folder with all that is in it.
///
/// # Errors
/// There is no such folder.
pub async fn zip(member: Member, Path(path): Path<String>) -> Result<Response, Failure> {
    let folder = member.view.stat(&path).await?;
    let name = folder.name.clone();
    Ok(archive::answer(&member.view, vec![folder], &name))
}

/// The page of a folder. `more`: what is wrong with a form on it, and what it had.
///
/// # Errors
/// There is no such folder.
pub async fn page(member: &Member, path: &str, status: StatusCode, more: Value) -> Result<Response, Failure> {
    let folder = member.view.stat(path).await?;
    let mut entries = member.view.list(path).await?;
    let by = By::of(&member.query("sort"));
    sort(&mut entries, by);
    let number = member.query("page").parse().unwrap_or(1);
    let home = member.say("folder.root", &[]);
    let title = if folder.name.is_empty() { &home } else { &folder.name };
    let mut data = json!({
        "title": title,
        "crumbs": crumbs(&home, &folder.path),
        "folder": link::encoded(&folder.path),
        "about": if folder.path.is_empty() { Value::Null } else { link::about(&folder.path).into() },
        "versions": super::versions::link_to(member, &folder.path).await,
        "writable": folder.writable,
        "quota": quota(member, &folder).await?,
        "sorts": sorts(member.language, &link::folder(&folder.path), by),
        "count": catalogue::count(member.language, "list.entries", entries.len()),
        "pages": pages(&link::folder(&folder.path), by, entries.len(), number),
        "entries": rows(member, &entries, number),
        "texts": serde_json::to_string(&catalogue::below(member.language, "script")).unwrap_or_default(),
        "unfinished": super::resumed::unfinished(member, &folder.path).await?,
        "form": { "name": "" },
    });
    if let (Some(data), Value::Object(more)) = (data.as_object_mut(), more) {
        data.extend(more);
    }
    member.show_with(status, "folder", title, data)
}

/// The folders above one, from the root down, and itself.
pub fn crumbs(home: &str, path: &str) -> Value {
    let mut crumbs = vec![json!({ "name": home, "href": "/files/", "current": path.is_empty() })];
    let mut at = String::new();
    for name in path.split('/').filter(|name| !name.is_empty()) {
        at = link::within(&at, name);
        crumbs.push(json!({ "name": name, "href": link::folder(&at), "current": at == path }));
    }
    crumbs.into()
}

/// Entries of a page as its list shows them.
fn rows(member: &Member, entries: &[Entry], page: usize) -> Value {
    let entries = of_page(entries, page).iter();
    entries.enumerate().map(|(number, entry)| row(member.language, number, entry)).collect()
}

/// Those of a page; of the last one, where it is beyond.
pub fn of_page(entries: &[Entry], page: usize) -> &[Entry] {
    let pages = entries.chunks(MOST);
    let page = page.clamp(1, last(entries.len()));
    pages.into_iter().nth(page - 1).unwrap_or_default()
}

/// One of them.
pub fn row(language: Language, number: usize, entry: &Entry) -> Value {
    json!({
        "number": number,
        "name": entry.name,
        "value": link::encoded(&entry.path),
        "href": if entry.is_folder { link::folder(&entry.path) } else { link::about(&entry.path) },
        "about": link::about(&entry.path),
        "is_folder": entry.is_folder,
        "mount": entry.shared && !entry.movable && entry.is_folder && !entry.path.contains('/'),
        "size": shown::size(language, entry.size),
        "date": shown::moment(language, entry.modified),
        "time": shown::machine(entry.modified),
    })
}

fn last(count: usize) -> usize {
    count.div_ceil(MOST).max(1)
}

/// Links to the pages of a long folder; null for a short one.
pub fn pages(here: &str, by: By, count: usize, number: usize) -> Value {
    let last = last(count);
    if last == 1 {
        return Value::Null;
    }
    let number = number.clamp(1, last);
    let link = |page: usize| format!("{here}?sort={}&page={page}", by.word());
    json!({
        "number": number,
        "last": last,
        "previous": if number > 1 { link(number - 1).into() } else { Value::Null },
        "next": if number < last { link(number + 1).into() } else { Value::Null },
    })
}

fn sorts(language: Language, here: &str, by: By) -> Value {
    let sort = |one: By| {
        json!({
            "name": one.word(),
            "title": catalogue::say(language, &format!("list.by_{}", one.word()), &[]),
            "href": format!("{here}?sort={}", one.word()),
            "current": one == by,
        })
    };
    By::ALL.map(sort).into_iter().collect()
}

/// What is taken of the space that a folder lies in.
async fn quota(member: &Member, folder: &Entry) -> Result<Value, Failure> {
    let quota = member.view.quota(&folder.path).await?;
    let size = |bytes| shown::size(member.language, bytes);
    let text = match quota.limit {
        Some(limit) => member.say("folder.quota", &[("used", &size(quota.used)), ("limit", &size(limit))]),
        None => member.say("folder.used", &[("used", &size(quota.used))]),
    };
    Ok(json!({
        "text": text,
        "used": quota.used,
        "limit": quota.limit,
        "available": quota.available,
        "left": size(quota.available),
        "full": quota.available == 0,
    }))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn entry(name: &str, is_folder: bool, size: u64) -> Entry {
        Entry {
            id: 1,
            name: name.to_owned(),
            path: name.to_owned(),
            is_folder,
            size,
            etag: "e".to_owned(),
            modified: UNIX_EPOCH + Duration::from_secs(size),
            writable: true,
            movable: true,
            shared: false,
        }
    }

    fn sorted(by: By) -> Vec<String> {
        let mut entries =
            ["zoo", "Été", "ecole", "Bac"].map(|name| entry(name, name == "zoo", name.len() as u64)).to_vec();
        let mut mount = entry("Zebra", true, 1);
        (mount.shared, mount.movable) = (true, false);
        entries.push(mount);
        sort(&mut entries, by);
        entries.into_iter().map(|entry| entry.name).collect()
    }

    #[test]
    fn shared_folders_come_first_then_folders_then_files() {
        assert_eq!(sorted(By::Name), ["Zebra", "zoo", "Bac", "ecole", "Été"]);
        assert_eq!(sorted(By::Size), ["Zebra", "zoo", "Été", "ecole", "Bac"]);
        assert_eq!(sorted(By::Date), ["Zebra", "zoo", "Été", "ecole", "Bac"]);
    }

    #[test]
    fn a_long_folder_has_pages() {
        assert_eq!(pages("/files/", By::Name, MOST, 1), Value::Null);
        let second = pages("/files/", By::Size, 2 * MOST + 1, 2);
        assert_eq!(second["last"], 3);
        assert_eq!(second["previous"], "/files/?sort=size&page=1");
        assert_eq!(second["next"], "/files/?sort=size&page=3");
        assert_eq!(pages("/files/", By::Size, 2 * MOST + 1, 99)["next"], Value::Null);
    }
}
