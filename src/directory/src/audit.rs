//! The audit log: what was done, by whom. The pages' role can add to it and read it; nobody but the
//! owner, which is root's alone, can change what stands in it.

use deadpool_postgres::GenericClient;
use schemars::JsonSchema;
use serde::Serialize;
use time::OffsetDateTime;

use crate::error::Result;
use crate::permission::{self, Action, Target};
use crate::{Actor, Directory, OrganisationId};

/// Most entries of one page.
const MOST: i64 = 500;

/// Something that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Entry {
    /// Its number: later ones are larger.
    pub id: i64,
    /// When.
    #[serde(serialize_with = "crate::people::rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: OffsetDateTime,
    /// Login of who did it, `root` for the command line, `-` for a visitor who was not signed in.
    pub actor: String,
    /// Association concerned; none: the machine.
    pub organisation: Option<OrganisationId>,
    /// What was done, a word or two joined by dots: `person.add`.
    pub action: String,
    /// To whom or what.
    pub target: String,
    /// More of it; may be empty. Holds no secret.
    pub detail: String,
}

/// The latest entries before the entry `before` (none: of all), the latest first, `count` at most:
/// those of one association, or of the whole box.
///
/// # Errors
/// When the actor may not read them.
pub async fn list(
    directory: &Directory,
    actor: &Actor,
    organisation: Option<OrganisationId>,
    before: Option<i64>,
    count: u32,
) -> Result<Vec<Entry>> {
    let target = organisation.map_or(Target::Machine, Target::Organisation);
    permission::allow(actor, Action::SeeAudit, &target)?;
    let statement = "select id, at, actor, organisation_id, action, target, detail from audit \
                     where ($1::bigint is null or organisation_id = $1) and ($2::bigint is null or id < $2) \
                     order by id desc limit $3";
    let organisation = organisation.map(|organisation| organisation.0);
    let count = i64::from(count).min(MOST);
    let rows = directory.client().await?.query(statement, &[&organisation, &before, &count]).await?;
    let entry = |row: &tokio_postgres::Row| Entry {
        id: row.get(0),
        at: row.get(1),
        actor: row.get(2),
        organisation: row.get::<_, Option<i64>>(3).map(OrganisationId),
        action: row.get(4),
        target: row.get(5),
        detail: row.get(6),
    };
    Ok(rows.iter().map(entry).collect())
}

/// Something done to the machine (a setting changed, a service switched off), for the log.
///
/// # Errors
/// When the actor may not change the machine.
pub async fn machine(
    directory: &Directory,
    actor: &Actor,
    action: &str,
    target: &str,
    detail: &str,
) -> Result<()> {
    permission::allow(actor, Action::ChangeMachine, &Target::Machine)?;
    let client = directory.client().await?;
    record(&client, actor, &Done { organisation: None, action, target, detail }).await
}

/// What is done to a web site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SiteAct {
    /// It is added.
    Add,
    /// It is removed, with its data.
    Remove,
    /// It is put into an archive.
    BackUp,
    /// It is made what it was.
    Restore,
    /// An archive is given out.
    Fetch,
    /// An archive is deleted.
    Forget,
}

impl SiteAct {
    fn word(self) -> &'static str {
        match self {
            Self::Add => "site.add",
            Self::Remove => "site.remove",
            Self::BackUp => "site.back-up",
            Self::Restore => "site.restore",
            Self::Fetch => "site.fetch",
            Self::Forget => "site.forget",
        }
    }
}

/// Something that is done to an association's web site, for the log: asked and recorded before it is done.
///
/// # Errors
/// When the actor may not.
pub async fn site(
    directory: &Directory,
    actor: &Actor,
    organisation: OrganisationId,
    act: SiteAct,
    site: &str,
) -> Result<()> {
    permission::allow(actor, Action::EditSite, &Target::Organisation(organisation))?;
    let client = directory.client().await?;
    let done = Done { organisation: Some(organisation), action: act.word(), target: site, detail: "" };
    record(&client, actor, &done).await
}

/// What is recorded.
pub(crate) struct Done<'a> {
    pub organisation: Option<OrganisationId>,
    pub action: &'a str,
    pub target: &'a str,
    pub detail: &'a str,
}

const INSERT: &str = "insert into audit (actor_id, actor, organisation_id, action, target, detail) \
                      values ($1, $2, $3, $4, $5, $6)";

pub(crate) async fn record(client: &impl GenericClient, actor: &Actor, done: &Done<'_>) -> Result<()> {
    let (id, organisation) = (actor.person().map(|person| person.0), done.organisation.map(|one| one.0));
    client
        .execute(INSERT, &[&id, &actor.name(), &organisation, &done.action, &done.target, &done.detail])
        .await?;
    Ok(())
}

/// As [`record`], once for every association that the account is in; once for none.
pub(crate) async fn record_for(
    client: &impl GenericClient,
    actor: &Actor,
    account: &permission::Account,
    action: &str,
    target: &str,
    detail: &str,
) -> Result<()> {
    for organisation in &account.organisations {
        record(client, actor, &Done { organisation: Some(*organisation), action, target, detail }).await?;
    }
    if account.organisations.is_empty() {
        record(client, actor, &Done { organisation: None, action, target, detail }).await?;
    }
    Ok(())
}

/// What a visitor did who is not signed in, such as taking an invitation.
pub(crate) async fn record_visitor(client: &impl GenericClient, action: &str, login: &str) -> Result<()> {
    let nobody: Option<i64> = None;
    client.execute(INSERT, &[&nobody, &"-", &nobody, &action, &login, &""]).await?;
    Ok(())
}
