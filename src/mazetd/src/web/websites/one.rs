//! One site: where it is, its archives, bringing it back, removing it.

use axum::extract::Path;
use axum::response::{IntoResponse as _, Redirect, Response};
use mazet_directory::audit::SiteAct;
use mazet_directory::permission::Action;
use mazet_model::settings::Language;
use serde_json::{Value, json};

use super::{PATH, page};
use crate::acts::people::organisations;
use crate::acts::websites::{find, record, seen};
use crate::protocol::Request;
use crate::web::failure::Failure;
use crate::web::form::{Faults, Fields, refusal};
use crate::web::member::{Member, Sent};
use crate::web::numbers::decimal;
use crate::web::websites::list::told;
use crate::web::{dates, download, said};
use crate::websites::archive::Archive;
use crate::websites::order::Order;
use crate::websites::{Site, State};

/// `GET /websites/{id}`.
///
/// # Errors
/// There is none for the member, or the broker fails.
pub async fn show(Path(id): Path<i64>, member: Member) -> Result<Response, Failure> {
    let state = member.app.broker.websites().await?;
    let site = find(member.actor(), state.clone(), id)?;
    shown(&member, &state, &site, ("", &Faults::default())).await
}

/// `GET /websites/{id}/archive`, with its number as `at` in the query.
///
/// # Errors
/// There is none for the member, or the broker fails.
pub async fn fetch(Path(id): Path<i64>, member: Member) -> Result<Response, Failure> {
    let site = find(member.actor(), member.app.broker.websites().await?, id)?;
    let at = member.query("at").parse().map_err(|_| Failure::NotFound)?;
    if site.archives.iter().all(|one| one.at != at) {
        return Err(Failure::NotFound);
    }
    record(member.directory()?, member.actor(), &site, SiteAct::Fetch).await?;
    let (file, name, bytes) = member.app.broker.archive(site.id, at).await?;
    Ok(download::response(file, bytes, &format!("{name}-{at}.tar.gz")))
}

/// `POST /websites/{id}`: field `do` is `back-up`, `restore` or `forget` (with `archive`), or `remove` (with the
/// name once more in `typed`).
///
/// # Errors
/// There is none for the member, or the broker or the directory fails.
pub async fn save(Path(id): Path<i64>, sent: Sent) -> Result<Response, Failure> {
    let (member, fields) = (&sent.member, &sent.fields);
    let state = member.app.broker.websites().await?;
    let site = find(member.actor(), state.clone(), id)?;
    let mut faults = Faults::default();
    let typed = fields.text("typed");
    if fields.get("do") == "remove" && typed != site.name {
        faults.add("typed", member.say("websites.typed_wrong", &[]));
        return shown(member, &state, &site, (&typed, &faults)).await;
    }
    let (act, question) = question(fields, &site)?;
    record(member.directory()?, member.actor(), &site, act).await?;
    match member.app.broker.order(&question).await {
        Ok(()) if act == SiteAct::Forget => {
            Ok(said::and_go(&format!("{PATH}/{id}"), "websites.archive_forgotten"))
        }
        Ok(()) if act == SiteAct::Remove => Ok(Redirect::to(PATH).into_response()),
        Ok(()) => Ok(Redirect::to(&format!("{PATH}/{id}")).into_response()),
        Err(error) => {
            let faults = refusal(&member.app, member.language, error)?;
            shown(member, &state, &site, (&typed, &faults)).await
        }
    }
}

/// What the form asks for.
fn question(fields: &Fields, site: &Site) -> Result<(SiteAct, Request), Failure> {
    let archive = || fields.get("archive").parse().map_err(|_| Failure::Bad);
    let id = site.id;
    let (act, order) = match fields.get("do") {
        "back-up" => (SiteAct::BackUp, Order::BackUp { id }),
        "restore" => (SiteAct::Restore, Order::Restore { id, archive: archive()? }),
        "remove" => (SiteAct::Remove, Order::Remove { id }),
        "forget" => return Ok((SiteAct::Forget, Request::ForgetArchive { id, archive: archive()? })),
        _ => return Err(Failure::Bad),
    };
    Ok((act, Request::OrderWebsite { order: Box::new(order) }))
}

/// How large a file is.
fn kilobytes(bytes: u64, language: Language) -> String {
    let thousands = u32::try_from(bytes.div_ceil(1000)).unwrap_or(u32::MAX);
    decimal(language, f64::from(thousands), 0)
}

async fn shown(
    member: &Member,
    state: &State,
    site: &Site,
    (typed, faults): (&str, &Faults),
) -> Result<Response, Failure> {
    let own = organisations(member.directory()?, member.actor(), Action::EditSite).await?;
    let organisation = own.iter().find(|one| one.id.0 == site.organisation);
    let last = seen(member.actor(), state.clone()).last;
    let archive = |one: &Archive| {
        json!({
            "at": one.at,
            "date": dates::shown(member.language, one.at),
            "size": member.say("websites.size", &[("kilobytes", &kilobytes(one.bytes, member.language))]),
        })
    };
    let is_last = last.site == site.name;
    let more = json!({
        "id": site.id,
        "name": site.name,
        "title": site.title.of(member.language),
        "organisation": organisation.map(|one| one.name.as_str()).unwrap_or_default(),
        "address": site.address,
        "path": site.path,
        "has_path": site.domain.is_none(),
        "folder": site.folder.as_deref().unwrap_or_default(),
        "entrance": site.entrance.as_deref().unwrap_or_default(),
        "archives": site.archives.iter().map(archive).collect::<Value>(),
        "told": if is_last { told(member, &last) } else { String::new() },
        "error": last.error.as_ref().filter(|_| is_last),
    });
    let path = format!("{PATH}/{}", site.id);
    page(member, ("websites/one", &path), (&json!({ "typed": typed }), faults), last.running, more)
}
