//! The bin: what was deleted in the last days.

use axum::response::Response;
use serde_json::{Value, json};

use super::failure::Failure;
use super::member::{Member, Sent, and_go};
use super::{acts, catalogue, shown};
use crate::storage::bin::{DAYS, Deleted};

/// `GET /files/bin`.
///
/// # Errors
/// The page cannot be made.
pub async fn show(member: Member) -> Result<Response, Failure> {
    let deleted = member.view.bin().await?;
    let rows: Value = deleted.iter().map(|one| row(&member, one)).collect();
    let title = member.say("bin.title", &[]);
    let data = json!({
        "days": DAYS,
        "count": catalogue::count(member.language, "list.entries", deleted.len()),
        "entries": rows,
    });
    member.show("bin", &title, data)
}

fn row(member: &Member, one: &Deleted) -> Value {
    let home = member.say("folder.root", &[]);
    json!({
        "id": one.id,
        "name": one.name,
        "is_folder": one.is_folder,
        "folder": if one.folder.is_empty() { &home } else { &one.folder },
        "size": shown::size(member.language, one.size),
        "date": shown::moment(member.language, one.deleted_at),
        "time": shown::machine(one.deleted_at),
        "by": if one.deleted_by == member.view.login() { "" } else { &one.deleted_by },
    })
}

/// `POST /files/bin`: `verb` is `restore` or `purge` for each chosen `id`, or `empty`. What is gone for good
/// is asked about first, but for `sure`.
///
/// # Errors
/// It cannot be done.
pub async fn act(form: Sent) -> Result<Response, Failure> {
    let (verb, chosen) = (form.get("verb"), form.numbers("id"));
    let sure = !form.get("sure").is_empty();
    match verb {
        "restore" | "purge" if chosen.is_empty() => Ok(acts::nothing("/files/bin")),
        "restore" => {
            for id in chosen {
                form.member.view.restore(id).await?;
            }
            Ok(and_go("/files/bin", "said.restored"))
        }
        "purge" | "empty" if !sure => ask(&form.member, verb, &chosen).await,
        "purge" => {
            purge(&form.member, chosen).await?;
            Ok(and_go("/files/bin", "said.purged"))
        }
        "empty" => {
            let all = form.member.view.bin().await?;
            purge(&form.member, all.into_iter().map(|one| one.id)).await?;
            Ok(and_go("/files/bin", "said.emptied"))
        }
        _ => Err(Failure::Bad),
    }
}

async fn purge(member: &Member, ids: impl IntoIterator<Item = i64>) -> Result<(), Failure> {
    for id in ids {
        member.view.purge(id).await?;
    }
    Ok(())
}

async fn ask(member: &Member, verb: &str, chosen: &[i64]) -> Result<Response, Failure> {
    let mut deleted = member.view.bin().await?;
    deleted.retain(|one| verb == "empty" || chosen.contains(&one.id));
    let title = member.say("bin.sure_title", &[]);
    let names: Vec<&str> = deleted.iter().take(20).map(|one| one.name.as_str()).collect();
    // Not gone at once where folders are kept as they were.
    let key = if member.view.has_earlier().await { "bin.sure_kept" } else { "bin.sure" };
    let data = json!({
        "verb": verb,
        "ids": chosen,
        "text": catalogue::count(member.language, key, deleted.len()),
        "names": names,
        "more": deleted.len() > names.len(),
    });
    member.at("/files/bin").show("bin-sure", &title, data)
}
