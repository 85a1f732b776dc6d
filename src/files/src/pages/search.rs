//! Search by name.

use axum::response::Response;
use serde_json::json;

use super::failure::Failure;
use super::member::Member;
use super::{catalogue, folder, link};

/// As many as are shown.
const MOST: u32 = 200;

/// `GET /files/search?q=`.
///
/// # Errors
/// The page cannot be made.
pub async fn show(member: Member) -> Result<Response, Failure> {
    let words = member.query("q");
    let found = member.view.search(&words, MOST).await?;
    let home = member.say("folder.root", &[]);
    let row = |(number, entry)| {
        let mut row = folder::row(member.language, number, entry);
        let folder = link::parent(&entry.path);
        row["folder"] =
            json!({ "name": if folder.is_empty() { &home } else { folder }, "href": link::folder(folder) });
        row
    };
    let entries: serde_json::Value = found.iter().enumerate().map(row).collect();
    let count = match () {
        () if words.trim().is_empty() => String::new(),
        () if found.len() as u64 == u64::from(MOST) => {
            member.say("search.many", &[("count", &MOST.to_string())])
        }
        () => catalogue::count(member.language, "search.found", found.len()),
    };
    let title = member.say("search.title", &[]);
    member.show("search", &title, json!({ "q": words, "count": count, "entries": entries }))
}
