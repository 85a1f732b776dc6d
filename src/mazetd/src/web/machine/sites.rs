//! What the box answers to: host names and paths, and where each association's domains lead.

use axum::response::Response;
use serde_json::{Value, json};

use crate::acts::sites::{self, Domain, Leads, Owned};
use crate::protocol::{Site, Sites};
use crate::web::failure::Failure;
use crate::web::form::Faults;
use crate::web::member::Member;

/// `GET /machine/sites`.
///
/// # Errors
/// The broker or the directory fails.
pub async fn show(member: Member) -> Result<Response, Failure> {
    let sites = member.app.broker.sites().await?;
    let status = member.app.broker.status().await?;
    let data = json!({
        "sites": sites.sites.iter().map(|one| site(&member, one, &status.name)).collect::<Value>(),
        "certificate": certificate(&member, &sites),
        "organisations": domains(&member).await?,
    });
    member.show("machine/sites", "machine.sites", &Faults::default(), data)
}

fn site(member: &Member, one: &Site, name: &str) -> Value {
    let names = if one.names.is_empty() { vec![format!("{name}.local")] } else { one.names.clone() };
    let urls: Vec<String> = names.iter().map(|host| format!("https://{host}{}", one.location)).collect();
    let key = format!("sites.access_{}", one.access);
    let known = member.app.pages.catalogue.get(member.language, &key).is_some();
    json!({
        "urls": urls,
        "everywhere": one.names.is_empty(),
        "service": one.service.of(member.language),
        "access": if known { member.say(&key, &[]) } else { member.say("sites.access_role", &[("role", &role(member, one))]) },
    })
}

fn role(member: &Member, one: &Site) -> String {
    let key = format!("role.{}", one.access);
    let known = member.app.pages.catalogue.get(member.language, &key).is_some();
    if known { member.say(&key, &[]) } else { one.access.clone() }
}

fn certificate(member: &Member, sites: &Sites) -> String {
    match sites.certificate_days {
        Some(days) => member.say("sites.certificate", &[("days", &days.to_string())]),
        None => member.say("sites.certificate_unknown", &[]),
    }
}

async fn domains(member: &Member) -> Result<Value, Failure> {
    let facts = member.app.broker.network().await?;
    let all = sites::domains(member.directory()?, member.actor(), &facts).await?;
    let domain = |one: &Domain| json!({ "name": one.name, "here": one.leads == Leads::Here, "text": told(member, one) });
    let show = |one: &Owned| {
        let domains: Value = one.domains.iter().map(domain).collect();
        json!({ "id": one.id, "name": one.name, "domains": domains })
    };
    Ok(all.iter().map(show).collect())
}

fn told(member: &Member, domain: &Domain) -> String {
    let addresses = domain.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let values = [("addresses", addresses.as_str())];
    match domain.leads {
        Leads::Here => member.say("sites.leads_here", &values),
        Leads::Outside => member.say("sites.leads_outside", &values),
        Leads::Elsewhere => member.say("sites.leads_elsewhere", &values),
        Leads::Nowhere => member.say("sites.leads_nowhere", &[]),
        Leads::Unknown => member.say("sites.leads_unknown", &[]),
    }
}
