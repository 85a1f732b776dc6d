//! Links for who has no account, made from a client: the calls of `files_sharing`, as far as the box has
//! what they ask for. Links open files to be read. Between people, files are shared by the folders of their
//! associations and groups, and the calls for that are refused.

use axum::http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};

use super::Cloud;
use super::answer::{Fault, Result};
use super::fields::{Fields, field};
use super::login::origin;
use crate::pages::shown;
use crate::pictures::is_likely;
use crate::shares::{Change, Share, Wish, is_password_good};
use crate::storage::{Entry, View};

/// The kind of share that a link is.
pub(super) const LINK: u8 = 3;
/// Kinds that these clients know: people, groups, addresses of mail, other servers, circles, rooms …
const KINDS: [&str; 9] = ["0", "1", "4", "6", "7", "8", "9", "10", "12"];
/// What a link may: to be read.
const READ: u32 = 1;
/// What a link may not: be changed, added to, deleted from.
const CHANGES: u32 = 2 | 4 | 8;

const fn no(status: StatusCode, why: &'static str) -> Fault {
    Fault::Request(status, why)
}

/// What a person calls for, who is shown by `view`.
pub(super) struct Asked<'a> {
    pub view: &'a View,
    pub headers: &'a HeaderMap,
    pub fields: &'a Fields,
}

impl Cloud {
    /// Answers the call `path`, as it stands behind `apps/files_sharing/api/v1/`.
    pub(super) async fn shared(&self, asked: &Asked<'_>, method: &Method, path: &str) -> Result<Value> {
        let one = path.strip_prefix("shares/");
        match (method.as_str(), path, one) {
            ("GET", "shares", _) => self.links(asked).await,
            ("POST", "shares", _) => self.make_link(asked).await,
            ("GET", _, Some(id)) => {
                let (share, entry) = self.shares.one(asked.view, number(id)?).await?;
                Ok(json!([self.link(asked, &share, &entry)?]))
            }
            ("PUT", _, Some(id)) => self.change_link(asked, number(id)?).await,
            ("DELETE", _, Some(id)) => {
                self.shares.take_back(asked.view, number(id)?).await?;
                Ok(json!([]))
            }
            ("GET", "sharees" | "sharees_recommended", _) => Ok(nobody()),
            (_, "shares", _) | (_, _, Some(_)) => {
                Err(no(StatusCode::METHOD_NOT_ALLOWED, "a link is made, changed or taken back"))
            }
            _ => Err(no(StatusCode::NOT_FOUND, "there is no such call")),
        }
    }

    /// All links of the person; to what is at a path, or in the folder there.
    async fn links(&self, asked: &Asked<'_>) -> Result<Value> {
        let view = asked.view;
        let found = match field(asked.fields, "path") {
            // With the person, files are shared by no call.
            _ if says(asked.fields, "shared_with_me") => Vec::new(),
            None => {
                let mine = self.shares.mine(view).await?.into_iter().rev();
                mine.filter(|(share, _)| !share.is_over())
                    .filter_map(|(share, entry)| Some((share, entry?)))
                    .collect()
            }
            Some(path) => {
                let entry = view.stat(path).await?;
                let entries = match says(asked.fields, "subfiles") {
                    true if entry.is_folder => view.list(path).await?,
                    true => return Err(no(StatusCode::BAD_REQUEST, "it is no folder")),
                    false => vec![entry],
                };
                self.shares.to(view, &entries).await?
            }
        };
        found.iter().map(|(share, entry)| self.link(asked, share, entry)).collect()
    }

    async fn make_link(&self, asked: &Asked<'_>) -> Result<Value> {
        let path = field(asked.fields, "path").filter(|path| !path.is_empty());
        let path = path.ok_or(no(StatusCode::NOT_FOUND, "a link leads to a file or folder: say its path"))?;
        let kind = field(asked.fields, "shareType").unwrap_or_default();
        if KINDS.contains(&kind) {
            return Err(no(
                StatusCode::FORBIDDEN,
                "people share files here by the folders of their associations and groups",
            ));
        }
        if kind != LINK.to_string() {
            return Err(no(StatusCode::BAD_REQUEST, "there is no such kind of share"));
        }
        let said = said(asked.fields)?;
        let wish = Wish {
            label: said.label.unwrap_or_default(),
            expires_at: said.expires_at.flatten(),
            password: said.password.unwrap_or_default(),
            most: None,
        };
        let (share, _) = self.shares.make(asked.view, path, wish).await?;
        let entry = asked.view.stat(path).await?;
        self.link(asked, &share, &entry)
    }

    async fn change_link(&self, asked: &Asked<'_>, id: i64) -> Result<Value> {
        // Of somebody else's, nothing is told, not even what is wrong with the call.
        self.shares.one(asked.view, id).await?;
        self.shares.change(asked.view, id, said(asked.fields)?).await?;
        let (share, entry) = self.shares.one(asked.view, id).await?;
        self.link(asked, &share, &entry)
    }

    /// A link, in the words of these clients.
    fn link(&self, asked: &Asked<'_>, share: &Share, entry: &Entry) -> Result<Value> {
        let origin = origin(asked.headers)?;
        let token = self.shares.token(share);
        let made = share.created_at.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        // They look whether there is a password, not what it is.
        let password = share.is_locked().then_some("********");
        Ok(json!({
            "id": share.id.to_string(),
            "share_type": LINK,
            "uid_owner": share.by,
            "displayname_owner": share.by,
            "uid_file_owner": share.by,
            "displayname_file_owner": share.by,
            "permissions": READ,
            "can_edit": true,
            "can_delete": true,
            "stime": made,
            "parent": null,
            "expiration": share.expires_at.map(|end| format!("{} 00:00:00", shown::last_day(end))),
            "token": token,
            "url": token.as_deref().map(|token| format!("{origin}/s/{token}")),
            "note": "",
            "label": share.label,
            "name": share.label,
            "path": format!("/{}", entry.path),
            "file_target": format!("/{}", entry.name),
            "item_type": if entry.is_folder { "folder" } else { "file" },
            "mimetype": entry.media_type(),
            "has_preview": is_likely(entry),
            "item_source": entry.id,
            "file_source": entry.id,
            "share_with": password,
            "share_with_displayname": share.label,
            "password": password,
            "send_password_by_talk": false,
            "mail_send": 0,
            "hide_download": 0,
            "attributes": null,
        }))
    }
}

fn number(id: &str) -> Result<i64> {
    id.parse().map_err(|_| no(StatusCode::NOT_FOUND, "there is no such link"))
}

fn says(fields: &Fields, name: &str) -> bool {
    field(fields, name).is_some_and(|value| value == "true" || value == "1")
}

/// What a call wants a link to be. What the box has not (a note, "without download") is left out.
fn said(fields: &Fields) -> Result<Change> {
    let permissions = field(fields, "permissions").filter(|text| !text.is_empty());
    let reads = permissions.is_none_or(|text| {
        text.parse::<u32>().is_ok_and(|permissions| permissions & READ != 0 && permissions & CHANGES == 0)
    });
    if !reads || says(fields, "publicUpload") {
        return Err(no(StatusCode::FORBIDDEN, "links open files to be read, and nothing else"));
    }
    let password = field(fields, "password");
    if password.is_some_and(|password| !password.is_empty() && !is_password_good(password)) {
        return Err(no(StatusCode::FORBIDDEN, "a link's password has 4 to 200 characters"));
    }
    Ok(Change {
        label: field(fields, "label").or(field(fields, "name")).map(str::to_owned),
        expires_at: field(fields, "expireDate").map(end).transpose()?,
        password: password.map(str::to_owned),
    })
}

/// When a link ends whose last day that is (`2026-12-31`, a time of day may follow); empty: never.
fn end(day: &str) -> Result<Option<std::time::SystemTime>> {
    if day.is_empty() {
        return Ok(None);
    }
    let end = day.get(..10).and_then(shown::end_of_day);
    let end = end.ok_or(no(StatusCode::NOT_FOUND, "a link's last day is written as 2026-12-31"))?;
    if end <= std::time::SystemTime::now() {
        return Err(no(StatusCode::NOT_FOUND, "a link's last day is not in the past"));
    }
    Ok(Some(end))
}

/// With whom files may be shared.
fn nobody() -> Value {
    let none = json!({
        "users": [], "groups": [], "remotes": [], "remote_groups": [], "emails": [], "circles": [],
        "rooms": [],
    });
    let mut all = none.clone();
    all["exact"] = none;
    all["lookup"] = json!([]);
    all["lookupEnabled"] = false.into();
    all
}
