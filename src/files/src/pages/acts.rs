//! New folders, other names.

use axum::response::Response;
use serde_json::json;

use super::failure::Failure;
use super::member::{Sent, and_go};
use super::{about, folder, link};
use crate::storage::{BadName, Error, View};

/// `POST /files/new-folder`: `name` in `folder`.
///
/// # Errors
/// It cannot be made, and not for its name.
pub async fn new_folder(form: Sent) -> Result<Response, Failure> {
    let (parent, name) = (form.path("folder")?, form.text("name"));
    let made = match name_in(&parent, name) {
        Ok(path) => form.member.view.create_folder(&path).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(_) => Ok(and_go(&link::folder(&parent), "said.folder")),
        Err(Error::NotFound | Error::NoFolder) => Err(Failure::NotFound),
        Err(error) => {
            let (status, text) = form.member.refused(error)?;
            let member = form.member.at(&link::folder(&parent));
            let more =
                json!({ "faults": [{ "field": "new-name", "message": text }], "form": { "name": name } });
            folder::page(&member, &parent, status, more).await
        }
    }
}

/// `POST /files/rename`: `path` gets another `name`.
///
/// # Errors
/// It cannot be renamed, and not for its name.
pub async fn rename(form: Sent) -> Result<Response, Failure> {
    let (path, name) = (form.path("path")?, form.text("name"));
    if name == link::name(&path) {
        return Ok(and_go(&link::about(&path), "said.unchanged"));
    }
    let renamed = match name_in(link::parent(&path), name) {
        Ok(target) => form.member.view.move_to(&path, &target, false).await,
        Err(error) => Err(error),
    };
    match renamed {
        Ok(entry) => Ok(and_go(&link::about(&entry.path), "said.renamed")),
        Err(Error::NotFound) => Err(Failure::NotFound),
        Err(error) => {
            let (status, text) = form.member.refused(error)?;
            let member = form.member.at(&link::about(&path));
            let more = json!({ "faults": [{ "field": "name", "message": text }], "form": { "name": name } });
            about::page(&member, &path, status, more).await
        }
    }
}

/// `POST /files/rights`: who may change what is in the folder of an association or group, `path`:
/// all its members, or where `who` is `managers`, they alone.
///
/// # Errors
/// There is no such folder, or it is not theirs to say.
pub async fn rights(form: Sent) -> Result<Response, Failure> {
    let path = form.path("path")?;
    let read_only = match form.get("who") {
        "members" => false,
        "managers" => true,
        _ => return Err(Failure::Bad),
    };
    form.member.view.set_read_only(&path, read_only).await?;
    Ok(and_go(&link::about(&path), "said.rights"))
}

/// The path of a name that somebody typed: one name, no path.
///
/// # Errors
/// [`Error::BadName`].
pub fn name_in(folder: &str, name: &str) -> Result<String, Error> {
    match name {
        "" | "." | ".." => Err(Error::BadName(BadName::Empty)),
        _ if name.contains(['/', '\0']) => Err(Error::BadName(BadName::Character)),
        _ => Ok(link::within(folder, name)),
    }
}

/// A name in a folder that nothing has yet: `note.txt`, else `note (2).txt`.
///
/// # Errors
/// The folder cannot be looked at.
pub async fn free(view: &View, folder: &str, name: &str) -> Result<String, Error> {
    view.free_path(&name_in(folder, name)?).await
}

/// What a form without a choice answers.
pub fn nothing(back: &str) -> Response {
    and_go(back, "said.unchanged")
}
