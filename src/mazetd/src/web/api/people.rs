//! People: who there is, inviting them, what is done with their accounts.

use std::collections::BTreeSet;

use mazet_directory::csv::{self, LineFault, Row, TakenIn};
use mazet_directory::invitations::Ticket;
use mazet_directory::people::{self, New, Person, rfc3339};
use mazet_directory::permission::Action;
use mazet_directory::{
    Actor, Directory, OffsetDateTime, OrganisationId, PersonId, Role, invitations, resets, second_factor,
    sessions,
};
use mazet_model::settings::Language;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::body::{Done, Json, Made, Ordered, Table};
use super::call::{Call, Caller};
use super::mail::relayed;
use super::problem::Problem;
use crate::acts::Wrong;
use crate::acts::people::{self as acts, Wish, line_key};
use crate::web::failure;
use crate::web::letters::{self, Writer};

/// Which people.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Those of this organisation; else all whom one sees.
    pub organisation: Option<OrganisationId>,
    /// A part of their name or login.
    pub q: Option<String>,
}

/// Somebody new.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPerson {
    /// Organisation that they become a member of.
    pub organisation: OrganisationId,
    /// Login name: small letters without accents, digits, dots, dashes.
    pub login: String,
    /// Full name.
    pub name: String,
    /// Mail address elsewhere.
    #[serde(default)]
    pub contact: String,
    /// Language of their pages; else what their browser asks for.
    pub language: Option<Language>,
    /// Roles beside that of a member: manager, site-editor, backup-keeper.
    #[serde(default)]
    pub roles: BTreeSet<Role>,
    /// The invitation goes to their mail address, and is not shown here.
    #[serde(default)]
    pub by_mail: bool,
}

/// A one-time code with which somebody chooses a password. It is shown here once.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Slip {
    /// To be typed; case, spaces and dashes do not matter.
    pub code: String,
    /// The page that takes it.
    pub address: String,
    /// Until when it counts.
    #[serde(serialize_with = "rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub expires_at: OffsetDateTime,
}

impl Slip {
    /// A code that counts at this page of the box at `base`.
    pub fn at(base: &str, page: &str, ticket: &Ticket) -> Self {
        let (code, expires_at) = (ticket.code.grouped(), ticket.expires_at);
        Self { code, address: format!("{base}{page}"), expires_at }
    }
}

/// Somebody who was added, with their invitation.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Invited {
    /// Who.
    pub person: Person,
    /// For them; null: it was sent.
    pub invitation: Option<Slip>,
    /// The mail address that it was sent to.
    pub mailed_to: Option<String>,
}

impl Invited {
    /// Somebody who was taken in from a table: a message where there is a writer and they have an address. Whoever
    /// gets none gets a code, for the box at `base`.
    ///
    /// # Errors
    /// The directory fails.
    pub async fn of(
        (directory, actor): (&Directory, &Actor),
        (writer, base): (Option<&Writer>, &str),
        one: &TakenIn,
    ) -> mazet_directory::Result<Self> {
        let person = people::get(directory, actor, one.person).await?;
        let mailed_to = match writer.filter(|_| person.contact.is_some()) {
            Some(writer) => writer.invite(directory, actor, one.person).await.ok(),
            None => None,
        };
        let invitation = mailed_to.is_none().then(|| Slip::at(base, "/welcome", &one.invitation));
        Ok(Self { person, invitation, mailed_to })
    }
}

/// An invitation that was sent.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Mailed {
    /// To this mail address.
    pub mailed_to: String,
}

/// How a table of people is taken in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Import {
    /// Number of the organisation that they become members of.
    pub organisation: Option<OrganisationId>,
    /// `true`: invitations go to the mail addresses, where the table gives them.
    pub by_mail: Option<bool>,
}

/// What a person is to become. What is not given stays.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Full name.
    pub name: Option<String>,
    /// Mail address elsewhere; empty for none.
    pub contact: Option<String>,
    /// Language of their pages; null: what their browser asks for.
    #[serde(default, deserialize_with = "given")]
    pub language: Option<Option<Language>>,
    /// Bytes; null: what their organisation gives its members.
    #[serde(default, deserialize_with = "given")]
    pub quota_bytes: Option<Option<u64>>,
    /// Roles beside that of a member, in each organisation named here.
    #[serde(default)]
    pub roles: Vec<Held>,
    /// All their addresses beside the usual ones, each at a domain of an organisation that they are in.
    pub aliases: Option<Vec<String>>,
}

/// Roles in an organisation.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// In which.
    pub organisation: OrganisationId,
    /// All of them: manager, site-editor, backup-keeper.
    pub roles: BTreeSet<Role>,
}

/// One person, with what their page shows beside.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Shown {
    /// Who.
    pub person: Person,
    /// Their addresses beside the usual ones, where one may give such.
    pub aliases: Vec<String>,
}

/// An organisation.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Where {
    /// Its number.
    pub organisation: Option<OrganisationId>,
}

impl Where {
    /// That one; where none is named, all in which the caller may do it.
    pub(super) async fn or_own(
        &self,
        caller: &Caller,
        action: Action,
    ) -> Result<Vec<OrganisationId>, Problem> {
        if let Some(one) = self.organisation {
            return Ok(vec![one]);
        }
        let own = acts::organisations(caller.directory()?, caller.actor(), action).await?;
        Ok(own.into_iter().map(|one| one.id).collect())
    }
}

/// What a table of people would bring. Nothing is taken in while there is a fault.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Preview {
    /// Its good lines.
    pub people: Vec<GoodLine>,
    /// Its faults.
    pub faults: Vec<BadLine>,
}

/// A good line of a table.
#[derive(Debug, Serialize, JsonSchema)]
pub struct GoodLine {
    /// Its number; the line of column names is 1.
    pub line: u64,
    /// Full name.
    pub name: String,
    /// Login.
    pub login: String,
    /// Mail address elsewhere.
    pub contact: String,
    /// Roles.
    pub roles: BTreeSet<Role>,
    /// Names of groups.
    pub groups: Vec<String>,
}

/// A fault of a table.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BadLine {
    /// Its line; that of column names is 1.
    pub line: u64,
    /// What stands there.
    pub value: String,
    /// Which fault it is.
    pub code: String,
    /// The same in words.
    pub detail: String,
}

/// A field that was given, null included.
pub fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl Change {
    /// For the directory.
    pub fn wish(self) -> Wish {
        Wish {
            name: self.name,
            contact: self.contact,
            language: self.language,
            quota_bytes: self.quota_bytes,
            roles: self.roles.into_iter().map(|one| (one.organisation, one.roles)).collect(),
            aliases: self.aliases,
        }
    }
}

/// `GET /people`.
pub async fn list(call: Call<Filter>) -> Result<Json<Vec<Person>>, Problem> {
    let caller = &call.caller;
    let mut found = acts::seen(caller.directory()?, caller.actor(), call.query.organisation).await?;
    let wanted = call.query.q.unwrap_or_default();
    found.retain(|person| acts::matches(person, &wanted));
    Ok(Json(found))
}

/// `POST /people`: adds and invites somebody.
pub async fn add(call: Call<super::call::Nothing, Json<NewPerson>>) -> Result<Made<Invited>, Problem> {
    let (caller, Json(new)) = (&call.caller, call.body);
    let NewPerson { organisation, login, name, contact, language, roles, by_mail } = new;
    let new = New { organisation, login, name, contact, language, roles };
    if by_mail {
        relayed(caller).await?;
        let addressed = Wrong::at("contact", "invalid.contact.empty");
        Problem::none(new.contact.trim().is_empty().then_some(addressed).into_iter().collect())?;
    }
    let id = people::add(caller.directory()?, caller.actor(), &new).await?;
    let (invitation, mailed_to) = match by_mail {
        true => (None, Some(mailed(caller, id).await?)),
        false => (Some(invited(caller, id).await?), None),
    };
    Ok(Made(Invited { invitation, mailed_to, person: person(caller, id).await? }))
}

/// `GET /people/{id}`.
pub async fn get(call: Call) -> Result<Json<Shown>, Problem> {
    shown(&call.caller, PersonId(call.id)).await
}

/// `PATCH /people/{id}`.
pub async fn change(call: Call<super::call::Nothing, Json<Change>>) -> Result<Json<Shown>, Problem> {
    let (caller, id) = (&call.caller, PersonId(call.id));
    let (directory, actor) = (caller.directory()?, caller.actor());
    let known = people::get(directory, actor, id).await?;
    Problem::none(acts::keep(directory, actor, &known, &call.body.0.wish()).await?)?;
    shown(caller, id).await
}

/// `POST /people/{id}/invitation`: a new one for somebody who has no password yet.
pub async fn invite(call: Call) -> Result<Made<Slip>, Problem> {
    Ok(Made(invited(&call.caller, PersonId(call.id)).await?))
}

/// `POST /people/{id}/invitation/mail`: the same as a message to their mail address.
pub async fn invite_by_mail(call: Call) -> Result<Ordered<Mailed>, Problem> {
    let (caller, id) = (&call.caller, PersonId(call.id));
    // Whom one may not see is not there, relay or not.
    person(caller, id).await?;
    relayed(caller).await?;
    Ok(Ordered(Mailed { mailed_to: mailed(caller, id).await? }))
}

/// `POST /people/{id}/reset`: a code for another password.
pub async fn reset(call: Call) -> Result<Made<Slip>, Problem> {
    let caller = &call.caller;
    let ticket = resets::make(caller.directory()?, caller.actor(), PersonId(call.id)).await?;
    Ok(Made(slip(caller, &ticket, "/reset").await?))
}

/// `POST /people/{id}/suspend`.
pub async fn suspend(call: Call) -> Result<Done, Problem> {
    let caller = &call.caller;
    people::set_active(caller.directory()?, caller.actor(), PersonId(call.id), false).await?;
    Ok(Done)
}

/// `POST /people/{id}/resume`.
pub async fn resume(call: Call) -> Result<Done, Problem> {
    let caller = &call.caller;
    people::set_active(caller.directory()?, caller.actor(), PersonId(call.id), true).await?;
    Ok(Done)
}

/// `POST /people/{id}/sign-out`: on every device.
pub async fn sign_out(call: Call) -> Result<Done, Problem> {
    let caller = &call.caller;
    sessions::end_all(caller.directory()?, caller.actor(), PersonId(call.id), false).await?;
    Ok(Done)
}

/// `DELETE /people/{id}/second-factor`, for somebody who lost it.
pub async fn forget_factor(call: Call) -> Result<Done, Problem> {
    let caller = &call.caller;
    second_factor::remove(caller.directory()?, caller.actor(), PersonId(call.id)).await?;
    Ok(Done)
}

/// `PUT /people/{id}/operator`.
pub async fn appoint(call: Call) -> Result<Done, Problem> {
    let caller = &call.caller;
    people::set_operator(caller.directory()?, caller.actor(), PersonId(call.id), true).await?;
    Ok(Done)
}

/// `DELETE /people/{id}/operator`.
pub async fn dismiss(call: Call) -> Result<Done, Problem> {
    let caller = &call.caller;
    people::set_operator(caller.directory()?, caller.actor(), PersonId(call.id), false).await?;
    Ok(Done)
}

/// `POST /people/{id}/memberships`: into another organisation.
pub async fn join(call: Call<super::call::Nothing, Json<super::groups::Of>>) -> Result<Done, Problem> {
    let caller = &call.caller;
    let organisation = call.body.0.organisation;
    people::join(caller.directory()?, caller.actor(), PersonId(call.id), organisation).await?;
    Ok(Done)
}

/// `GET /people/export`.
pub async fn export(call: Call<Where>) -> Result<Table, Problem> {
    let caller = &call.caller;
    let table = csv::export(caller.directory()?, caller.actor(), chosen(call.query.organisation)?).await?;
    Ok(Table(table.into_bytes()))
}

/// `POST /people/import/preview`.
pub async fn preview(call: Call<Where, Table>) -> Result<Json<Preview>, Problem> {
    let (caller, organisation) = (&call.caller, chosen(call.query.organisation)?);
    let seen = csv::preview(caller.directory()?, caller.actor(), organisation, &call.body.0).await?;
    let faults = seen.faults.iter().map(|fault| bad(caller, fault)).collect();
    Ok(Json(Preview { people: seen.people.into_iter().map(good).collect(), faults }))
}

/// `POST /people/import`: all of a table, or nobody.
pub async fn import(call: Call<Import, Table>) -> Result<Made<Vec<Invited>>, Problem> {
    let (caller, organisation) = (&call.caller, chosen(call.query.organisation)?);
    let writer = match call.query.by_mail {
        Some(true) => {
            relayed(caller).await?;
            Some(Writer::new(&caller.app).await?)
        }
        _ => None,
    };
    let taken = csv::import(caller.directory()?, caller.actor(), organisation, &call.body.0).await?;
    let taken = taken.map_err(|preview| {
        let wrong = |fault: &LineFault| {
            let (key, value) = (line_key(fault.what), fault.value.clone());
            Wrong { field: format!("line {}", fault.line).into(), key, value, ..Wrong::default() }
        };
        Problem::invalid(preview.faults.iter().map(wrong).collect())
    })?;
    let base = caller.app.broker.offers().await?.address;
    let mut all = Vec::new();
    for one in &taken {
        let way = (writer.as_ref(), base.as_str());
        all.push(Invited::of((caller.directory()?, caller.actor()), way, one).await?);
    }
    if writer.is_some() {
        letters::post(&caller.app).await;
    }
    Ok(Made(all))
}

fn chosen(organisation: Option<OrganisationId>) -> Result<OrganisationId, Problem> {
    organisation.ok_or_else(|| Problem::invalid(vec![Wrong::at("organisation", "api.missing_field")]))
}

fn good(row: Row) -> GoodLine {
    let Row { line, new, groups } = row;
    GoodLine { line, name: new.name, login: new.login, contact: new.contact, roles: new.roles, groups }
}

fn bad(caller: &Caller, fault: &LineFault) -> BadLine {
    BadLine {
        line: fault.line,
        value: fault.value.clone(),
        code: line_key(fault.what),
        detail: failure::line(&caller.app, caller.language, fault.what),
    }
}

async fn person(caller: &Caller, id: PersonId) -> Result<Person, Problem> {
    Ok(people::get(caller.directory()?, caller.actor(), id).await?)
}

async fn shown(caller: &Caller, id: PersonId) -> Result<Json<Shown>, Problem> {
    let person = person(caller, id).await?;
    let aliases = acts::addresses(caller.directory()?, caller.actor(), &person).await?;
    Ok(Json(Shown { person, aliases: aliases.into_iter().map(|one| one.address).collect() }))
}

async fn invited(caller: &Caller, id: PersonId) -> Result<Slip, Problem> {
    let ticket = invitations::make(caller.directory()?, caller.actor(), id).await?;
    slip(caller, &ticket, "/welcome").await
}

async fn mailed(caller: &Caller, id: PersonId) -> Result<String, Problem> {
    let writer = Writer::new(&caller.app).await?;
    let address = writer.invite(caller.directory()?, caller.actor(), id).await?;
    letters::post(&caller.app).await;
    Ok(address)
}

async fn slip(caller: &Caller, ticket: &Ticket, page: &str) -> Result<Slip, Problem> {
    let base = caller.app.broker.offers().await?.address;
    Ok(Slip::at(&base, page, ticket))
}
