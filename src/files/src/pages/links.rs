//! Share links, for who makes them.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use super::failure::Failure;
use super::member::{Member, Sent, and_go};
use super::{about, link, shown};
use crate::shares::{Share, Wish, is_password_good};
use crate::storage::Entry;

/// Most downloads that a form takes.
const MOST: u32 = 1_000_000;

/// `GET /files/links`.
///
/// # Errors
/// The page cannot be made.
pub async fn show(member: Member) -> Result<Response, Failure> {
    let mine = member.site.shares.mine(&member.view).await?;
    let rows: Value = mine.iter().map(|(share, entry)| row(&member, share, entry.as_ref())).collect();
    let title = member.say("links.title", &[]);
    member.show("links", &title, json!({ "links": rows }))
}

fn row(member: &Member, share: &Share, entry: Option<&Entry>) -> Value {
    let date = |time| shown::moment(member.language, time);
    let downloads = match share.most {
        Some(most) => member.say(
            "links.downloads_of",
            &[("count", &share.downloads.to_string()), ("most", &most.to_string())],
        ),
        None => super::catalogue::count(member.language, "links.downloads", share.downloads as usize),
    };
    let until = share.expires_at.map(|end| member.say("links.until", &[("date", &date(end))]));
    json!({
        "id": share.id,
        "label": share.label,
        "name": entry.map_or("", |entry| &entry.name),
        "href": entry.map_or(String::new(), |entry| link::about(&entry.path)),
        "gone": entry.is_none(),
        "over": share.is_over(),
        "locked": share.is_locked(),
        "until": until.unwrap_or_default(),
        "downloads": downloads,
        "created": date(share.created_at),
    })
}

/// `POST /files/links`: a link to `path`. It is shown this once.
///
/// # Errors
/// There is nothing at the path.
pub async fn make(headers: HeaderMap, form: Sent) -> Result<Response, Failure> {
    let path = form.path("path")?;
    let wish = match wish(&form) {
        Ok(wish) => wish,
        Err((field, key)) => {
            let member = form.member.at(&link::about(&path));
            let more = json!({
                "faults": [{ "field": field, "message": member.say(key, &[]) }],
                "share": { "label": form.text("label"), "until": form.text("until"), "most": form.text("most") },
            });
            return about::page(&member, &path, StatusCode::UNPROCESSABLE_ENTITY, more).await;
        }
    };
    let entry = form.member.view.stat(&path).await?;
    let (_, token) = form.member.site.shares.make(&form.member.view, &path, wish).await?;
    let member = form.member.at("/files/links");
    let title = member.say("links.made_title", &[]);
    let data = json!({
        "name": entry.name,
        "address": format!("https://{}/s/{token}", host(&headers)),
        "back": link::about(&entry.path),
    });
    member.show("link", &title, data)
}

/// What the form asks for; else the field that is wrong, and why.
fn wish(form: &Sent) -> Result<Wish, (&'static str, &'static str)> {
    let (until, most, password) = (form.text("until"), form.text("most"), form.get("password"));
    let expires_at = match until {
        "" => None,
        day => {
            let end = shown::end_of_day(day).ok_or(("until", "share.until_wrong"))?;
            Some(end)
                .filter(|end| *end > std::time::SystemTime::now())
                .ok_or(("until", "share.until_past"))?
                .into()
        }
    };
    let most = match most {
        "" => None,
        number => {
            let number = number.parse().ok().filter(|number| (1..=MOST).contains(number));
            Some(number.ok_or(("most", "share.most_wrong"))?)
        }
    };
    if !password.is_empty() && !is_password_good(password) {
        return Err(("password", "share.password_wrong"));
    }
    Ok(Wish { label: form.text("label").to_owned(), expires_at, password: password.to_owned(), most })
}

/// The box's name, as the visitor wrote it: the front web server answers to its own names alone.
fn host(headers: &HeaderMap) -> &str {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    if host.chars().all(plain) { host } else { "" }
}

/// `POST /files/links/take-back`.
///
/// # Errors
/// It is not there, or somebody else's.
pub async fn take_back(form: Sent) -> Result<Response, Failure> {
    let id = form.get("id").parse().map_err(|_| Failure::Bad)?;
    form.member.site.shares.take_back(&form.member.view, id).await?;
    Ok(and_go("/files/links", "said.taken_back"))
}
