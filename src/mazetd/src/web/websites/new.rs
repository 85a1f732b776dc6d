//! Another site: its association, its kind, its name, and that is all.

use axum::response::{IntoResponse as _, Redirect, Response};
use mazet_directory::organisations::Organisation;
use mazet_directory::permission::Action;
use serde_json::{Value, json};

use super::{PATH, page};
use crate::acts::people::organisations;
use crate::acts::websites::wish;
use crate::protocol::Request;
use crate::web::failure::{self, Failure};
use crate::web::form::{Faults, Fields, refusal};
use crate::web::member::{Member, Sent};
use crate::websites::order::{NewSite, Order, password};
use crate::websites::{Kind, State};

/// Its page.
const NEW: &str = "/websites/new";

/// `GET /websites/new`.
///
/// # Errors
/// The broker or the directory fails.
pub async fn show(member: Member) -> Result<Response, Failure> {
    form(&member, &Fields::default(), &Faults::default()).await
}

/// `POST /websites/new`: fields `name`, `kind`, `organisation`, `domain`, `folder`. Where the site has accounts of
/// its own, the page that answers shows the password of its first administrator, who asked, once.
///
/// # Errors
/// The member may not, or the broker or the directory fails.
pub async fn save(sent: Sent) -> Result<Response, Failure> {
    let (member, fields) = (&sent.member, &sent.fields);
    let broker = &member.app.broker;
    let kinds = broker.websites().await?.kinds;
    let kind = kinds.iter().find(|kind| kind.name == fields.get("kind")).ok_or(Failure::Bad)?;
    let taken = broker.settings().await?.settings.certificates.domains;
    let password = password()?;
    let who = (member.actor(), member.session.person);
    let site = wished(fields, kind)?;
    let order = match wish(member.directory()?, who, site, &taken, (member.language, &password)).await? {
        Ok(order) => order,
        Err(wrong) => {
            let mut faults = Faults::default();
            for one in wrong {
                faults.add(&one.field, failure::sentence(&member.app, member.language, &one));
            }
            return form(member, fields, &faults).await;
        }
    };
    match broker.order(&Request::OrderWebsite { order: Box::new(order.clone()) }).await {
        Ok(()) if kind.accounts => slip(member, &order),
        Ok(()) => Ok(Redirect::to(PATH).into_response()),
        Err(error) => form(member, fields, &refusal(&member.app, member.language, error)?).await,
    }
}

/// What the form wishes. A field that the kind does not ask for counts for nothing.
fn wished(fields: &Fields, kind: &Kind) -> Result<NewSite, Failure> {
    let given = |name: &str| Some(fields.text(name)).filter(|text| !text.is_empty());
    Ok(NewSite {
        name: fields.text("name"),
        kind: kind.name.clone(),
        organisation: fields.get("organisation").parse().map_err(|_| Failure::NotFound)?,
        domain: given("domain").map(|domain| domain.to_lowercase()),
        folder: if kind.publishes { given("folder").or(Some(String::new())) } else { None },
    })
}

fn slip(member: &Member, order: &Order) -> Result<Response, Failure> {
    let Order::Add { site, administrator } = order else { return Err(Failure::Bad) };
    let data = json!({
        "name": site.name,
        "login": administrator.login,
        "password": administrator.password,
    });
    member.at(NEW).show("websites/password", "websites.new", &Faults::default(), data)
}

async fn form(member: &Member, fields: &Fields, faults: &Faults) -> Result<Response, Failure> {
    let member = member.at(NEW);
    let State { kinds, last, .. } = member.app.broker.websites().await?;
    let own = organisations(member.directory()?, member.actor(), Action::EditSite).await?;
    let form = json!({
        "name": fields.get("name"),
        "domain": fields.get("domain"),
        "folder": fields.get("folder"),
        "kind": fields.get("kind"),
    });
    let kinds: Value = kinds
        .iter()
        .enumerate()
        .map(|(number, kind)| {
            let chosen = if fields.has("kind") { fields.get("kind") == kind.name } else { number == 0 };
            json!({
                "name": kind.name,
                "title": kind.title.of(member.language),
                "hint": kind.summary.of(member.language),
                "publishes": kind.publishes,
                "chosen": chosen,
            })
        })
        .collect();
    let option = |one: &Organisation| {
        let chosen = fields.get("organisation") == one.id.to_string();
        json!({ "id": one.id, "name": one.name, "chosen": chosen, "domains": one.domains.join(", ") })
    };
    let more = json!({
        "kinds": kinds,
        "organisations": own.iter().map(option).collect::<Value>(),
    });
    page(&member, ("websites/new", NEW), (&form, faults), last.running, more)
}
