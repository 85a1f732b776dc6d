//! Web sites of associations: who may do what to which, and what cannot be.

use mazet_directory::audit::{self, SiteAct};
use mazet_directory::permission::{self, Action, Target};
use mazet_directory::{Actor, Directory, Error, OrganisationId, PersonId, Result, organisations, people};
use mazet_model::setting_fault::SettingFault;
use mazet_model::settings::Language;

use super::Wrong;
use crate::websites::order::{Administrator, Last, NewSite, Order};
use crate::websites::{Site, State};

/// What the actor sees of the sites: those of the associations whose sites they write.
pub fn seen(actor: &Actor, mut state: State) -> State {
    let may =
        |organisation: i64| actor.may(Action::EditSite, &Target::Organisation(OrganisationId(organisation)));
    state.sites.retain(|site| may(site.organisation));
    if !may(state.last.organisation) {
        // That something is under way is all that others are told: nothing else can be ordered meanwhile.
        state.last = Last { running: state.last.running, ..Last::default() };
    }
    state
}

/// A site that the actor may do something to.
///
/// # Errors
/// There is none with that number for them.
pub fn find(actor: &Actor, state: State, id: i64) -> Result<Site> {
    seen(actor, state).sites.into_iter().find(|site| i64::from(site.id) == id).ok_or(Error::NotFound)
}

/// Asks whether the actor may, and writes it down, before an order is given.
///
/// # Errors
/// They may not, or the directory fails.
pub async fn record(directory: &Directory, actor: &Actor, site: &Site, act: SiteAct) -> Result<()> {
    audit::site(directory, actor, OrganisationId(site.organisation), act, &site.name).await
}

/// The order for a new site, whose first administrator is the person who asks, with that password; or what
/// cannot be. `taken` are names that are the box's own.
///
/// # Errors
/// The actor may not, or the directory fails.
pub async fn wish(
    directory: &Directory,
    (actor, person): (&Actor, PersonId),
    site: NewSite,
    taken: &[String],
    (language, password): (Language, &str),
) -> Result<std::result::Result<Order, Vec<Wrong>>> {
    let organisation = OrganisationId(site.organisation);
    permission::allow(actor, Action::EditSite, &Target::Organisation(organisation))?;
    if let Some(domain) = site.domain.as_deref().filter(|domain| !domain.is_empty()) {
        let own = organisations::get(directory, actor, organisation).await?.domains;
        let is_below = |one: &String| domain == one || domain.ends_with(&format!(".{one}"));
        let is_boxs = taken.iter().any(|name| name == domain);
        let is_free = actor.may(Action::ChangeMachine, &Target::Machine);
        if !is_free && (is_boxs || !own.iter().any(is_below)) {
            let key = if is_boxs { "websites.domain_of_box" } else { "websites.domain_of_others" };
            return Ok(Err(vec![Wrong::at("domain", key)]));
        }
    }
    let known = people::get(directory, actor, person).await?;
    audit::site(directory, actor, organisation, SiteAct::Add, &site.name).await?;
    let administrator = Administrator {
        login: known.login,
        name: known.name,
        contact: known.contact.unwrap_or_default(),
        language,
        password: password.to_owned(),
    };
    Ok(Ok(Order::Add { site, administrator }))
}

/// Why an association cannot be removed yet: a site of it would be nobody's, and its data stay. `sites` are their
/// associations' numbers and their names.
pub fn left<'s>(sites: impl Iterator<Item = (i64, &'s str)>, organisation: OrganisationId) -> Option<Wrong> {
    let own = sites.filter(|(owner, _)| *owner == organisation.0).map(|(_, name)| name);
    let names = own.collect::<Vec<_>>().join(", ");
    let wrong = Wrong::at("", "websites.organisation_has_some");
    (!names.is_empty()).then(|| Wrong { values: [("names".to_owned(), names)].into(), ..wrong })
}

/// What a person can mend of a site that was wished for, each at its field.
pub fn wrongs(faults: &[SettingFault]) -> Vec<Wrong> {
    let field = |key: &str| match key {
        "site_name" | "site_name_twice" => "name",
        "site_domain" | "site_domain_twice" => "domain",
        "site_kind" => "kind",
        "site_folder" | "site_folder_none" | "site_folder_unasked" => "folder",
        "site_organisation" => "organisation",
        _ => "",
    };
    faults.iter().map(|fault| Wrong { field: field(&fault.key).into(), ..Wrong::setting(fault) }).collect()
}
