//! What is done to chosen files: to the bin, as an archive, or to another folder, which is chosen first.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde_json::{Value, json};

use super::failure::Failure;
use super::member::{Member, Sent, and_go};
use super::{acts, folder, link, zip};
use crate::storage::{Entry, Error};

/// What is done in another folder.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Move,
    Copy,
}

impl Verb {
    fn of(word: &str) -> Option<Self> {
        match word {
            "move" => Some(Self::Move),
            "copy" => Some(Self::Copy),
            _ => None,
        }
    }

    fn word(self) -> &'static str {
        if self == Self::Move { "move" } else { "copy" }
    }
}

/// `POST /files/selected`: `verb` is done to each `item` of `folder`.
///
/// # Errors
/// It cannot be done.
pub async fn selected(form: Sent) -> Result<Response, Failure> {
    let (items, from) = (form.paths("item")?, form.path("folder")?);
    if items.is_empty() {
        return Ok(acts::nothing(&link::folder(&from)));
    }
    match form.get("verb") {
        "delete" => {
            for path in &items {
                form.member.view.delete(path).await?;
            }
            Ok(and_go(&link::folder(&from), "said.deleted"))
        }
        "download" => archive(&form.member, &items, &from).await,
        verb => {
            let verb = Verb::of(verb).ok_or(Failure::Bad)?;
            page(&form.member, verb, &items, &from, (StatusCode::OK, Value::Null)).await
        }
    }
}

/// One file as it is, anything else as an archive.
async fn archive(member: &Member, items: &[String], from: &str) -> Result<Response, Failure> {
    let mut entries = Vec::new();
    for path in items {
        entries.push(member.view.stat(path).await?);
    }
    match entries.as_slice() {
        [only] if !only.is_folder => {
            return Ok(Redirect::to(&format!("{}?download=1", link::raw(&only.path))).into_response());
        }
        _ => {}
    }
    let name = match entries.as_slice() {
        [only] => only.name.clone(),
        _ if from.is_empty() => member.say("folder.root", &[]),
        _ => link::name(from).to_owned(),
    };
    Ok(zip::answer(&member.view, entries, &name))
}

/// `POST /files/choose`: the page that chooses a folder, at `to`.
///
/// # Errors
/// There is no such folder.
pub async fn show(form: Sent) -> Result<Response, Failure> {
    let verb = Verb::of(form.get("verb")).ok_or(Failure::Bad)?;
    let (items, to) = (form.paths("item")?, form.path("to")?);
    page(&form.member, verb, &items, &to, (StatusCode::OK, Value::Null)).await
}

/// `POST /files/place`: each `item` is moved or copied to `to`.
///
/// # Errors
/// It cannot be done, for a reason that another folder does not mend.
pub async fn place(form: Sent) -> Result<Response, Failure> {
    let verb = Verb::of(form.get("verb")).ok_or(Failure::Bad)?;
    let (items, to) = (form.paths("item")?, form.path("to")?);
    for (done, item) in items.iter().enumerate() {
        let Err(error) = placed(&form.member, verb, item, &to).await else { continue };
        let (status, text) = form.member.refused(error)?;
        let faults = json!([{ "field": "", "message": format!("{} – {text}", link::name(item)) }]);
        // What is done is done; the page is about the rest.
        return page(&form.member, verb, &items[done..], &to, (status, faults)).await;
    }
    Ok(and_go(&link::folder(&to), if verb == Verb::Move { "said.moved" } else { "said.copied" }))
}

async fn placed(member: &Member, verb: Verb, item: &str, to: &str) -> Result<Entry, Error> {
    let name = link::name(item);
    match verb {
        Verb::Move => member.view.move_to(item, &link::within(to, name), false).await,
        Verb::Copy => {
            let target = acts::free(&member.view, to, name).await?;
            member.view.copy_to(item, &target, false).await
        }
    }
}

async fn page(
    member: &Member,
    verb: Verb,
    items: &[String],
    to: &str,
    (status, faults): (StatusCode, Value),
) -> Result<Response, Failure> {
    let here = member.view.stat(to).await?;
    let mut inside = member.view.list(to).await?;
    inside.retain(|entry| entry.is_folder && !items.contains(&entry.path));
    folder::sort(&mut inside, folder::By::Name);
    let home = member.say("folder.root", &[]);
    let row = |entry: &Entry| json!({ "name": entry.name, "value": link::encoded(&entry.path) });
    let names: Vec<&str> = items.iter().map(|item| link::name(item)).collect();
    let title = member.say(&format!("choose.{}_title", verb.word()), &[]);
    let data = json!({
        "title": title,
        "verb": verb.word(),
        "names": names,
        "items": items.iter().map(|item| link::encoded(item)).collect::<Vec<_>>(),
        "here": if here.name.is_empty() { &home } else { &here.name },
        "to": link::encoded(to),
        "writable": here.writable,
        "submit": member.say(&format!("choose.{}_here", verb.word()), &[]),
        "up": if to.is_empty() { Value::Null } else { row_of(link::parent(to), &home) },
        "folders": inside.iter().map(row).collect::<Vec<_>>(),
        "back": link::folder(items.first().map_or("", |item| link::parent(item))),
        "faults": if faults.is_null() { json!([]) } else { faults },
    });
    member.at("/files/").show_with(status, "choose", &title, data)
}

fn row_of(path: &str, home: &str) -> Value {
    json!({ "name": if path.is_empty() { home } else { link::name(path) }, "value": link::encoded(path) })
}
