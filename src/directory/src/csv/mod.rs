//! People in and out as a table: CSV (RFC 4180), as spreadsheets write it in French and in English.
//!
//! | column | also called | holds |
//! |---|---|---|
//! | `name` | `nom` | full name |
//! | `login` | `identifiant` | login; empty: made from the name |
//! | `contact` | `e-mail`, `courriel` … | address elsewhere; may be empty or absent |
//! | `language` | `langue` | `fr`, `en`; may be empty or absent |
//! | `roles` | `rôles` | `manager`, `site-editor`, `backup-keeper`, divided by spaces |
//! | `groups` | `groupes` | names of groups, divided by `|` |
//!
//! A preview reports every bad line; nothing is taken in while there is one.

mod read;

use std::collections::{BTreeMap, BTreeSet};

use deadpool_postgres::GenericClient;
use serde::Serialize;

use crate::audit::{self, Done};
use crate::error::{Error, Fault, Field, Invalid, Result};
use crate::people::{self, New};
use crate::permission::{self, Action, Target};
use crate::tickets::{self, Purpose};
use crate::values;
use crate::{Actor, Directory, OrganisationId, PersonId, Role, invitations};

pub use read::{Column, decoded};

/// Most people of one table.
pub const MOST: usize = 1000;
/// Largest table, in bytes.
pub const BYTES: usize = 1 << 20;

/// What a table would bring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// Its good lines.
    pub people: Vec<Row>,
    /// Every fault, by line.
    pub faults: Vec<LineFault>,
}

/// A good line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its number: the line of column names is 1.
    pub line: u64,
    /// Who it is.
    pub new: New,
    /// Groups that they will be in.
    pub groups: Vec<String>,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineFault {
    /// Its number: the line of column names is 1.
    pub line: u64,
    /// What was written; empty where something is missing.
    pub value: String,
    /// Which value, and why.
    pub what: What,
}

/// A fault of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A value that cannot be taken.
    #[serde(skip)]
    Value(Invalid),
    /// The login is that of an earlier line.
    Twice,
    /// The file is empty or has no column of names.
    NoNames,
    /// A column that nobody knows.
    UnknownColumn,
    /// A column twice.
    ColumnTwice,
    /// Not as many values as columns.
    Ragged,
    /// More people than a table may have.
    TooMany,
}

/// Somebody who was taken in, with the invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenIn {
    /// Who.
    pub person: PersonId,
    /// Login.
    pub login: String,
    /// Full name.
    pub name: String,
    /// Shown once.
    pub invitation: tickets::Ticket,
}

/// Reads a table for an association, and looks at every line. `table`: UTF-8, or what old
/// spreadsheets write (Windows-1252); divided by commas, semicolons or tabs.
///
/// # Errors
/// When the actor may not.
pub async fn preview(
    directory: &Directory,
    actor: &Actor,
    organisation: OrganisationId,
    table: &[u8],
) -> Result<Preview> {
    permission::allow(actor, Action::ExchangePeople, &Target::Organisation(organisation))?;
    look(&directory.client().await?, organisation, table).await
}

/// Takes in everybody of a table without faults, and makes invitations. All of them, or nobody.
///
/// # Errors
/// When the actor may not. The inner one: the faults that a [`preview`] reports.
pub async fn import(
    directory: &Directory,
    actor: &Actor,
    organisation: OrganisationId,
    table: &[u8],
) -> Result<Result<Vec<TakenIn>, Preview>> {
    let target = Target::Organisation(organisation);
    for action in [Action::ExchangePeople, Action::ManagePeople, Action::AppointRoles] {
        permission::allow(actor, action, &target)?;
    }
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    let preview = look(&transaction, organisation, table).await?;
    if !preview.faults.is_empty() {
        return Ok(Err(preview));
    }
    let mut taken = Vec::new();
    for row in &preview.people {
        taken.push(take_in(&transaction, actor, row).await?);
    }
    transaction.commit().await?;
    Ok(Ok(taken))
}

/// The people of an association as a table, in UTF-8 with commas; [`import`] reads it again.
///
/// # Errors
/// When the actor may not.
pub async fn export(directory: &Directory, actor: &Actor, organisation: OrganisationId) -> Result<String> {
    permission::allow(actor, Action::ExchangePeople, &Target::Organisation(organisation))?;
    let people = people::list(directory, actor, Some(organisation)).await?;
    let groups = crate::groups::list(directory, actor, organisation).await?;
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    let failed = |error: ::csv::Error| Error::Internal(format!("writing a table: {error}"));
    writer.write_record(Column::ALL.map(Column::name)).map_err(failed)?;
    for person in people {
        let held = person.memberships.iter().find(|one| one.organisation == organisation);
        let held = held.map(|one| words(&one.roles)).unwrap_or_default();
        let groups = groups.iter().filter(|group| group.members.contains(&person.id));
        let groups = groups.map(|group| group.name.as_str()).collect::<Vec<_>>().join("|");
        let language = person.language.map(people::language_word).unwrap_or_default();
        let contact = person.contact.unwrap_or_default();
        let cells = [person.name.as_str(), &person.login, &contact, language, &held, &groups].map(harmless);
        writer.write_record(&cells).map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(|error| Error::Internal(format!("writing a table: {error}")))?;
    let done = Done { organisation: Some(organisation), action: "people.export", target: "", detail: "" };
    audit::record(&directory.client().await?, actor, &done).await?;
    String::from_utf8(bytes).map_err(|_| Error::Internal("a table is no text".to_owned()))
}

/// A cell that no spreadsheet takes for a formula. [`read`] takes the mark away again.
fn harmless(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell.to_owned() }
}

fn words(roles: &BTreeSet<Role>) -> String {
    let held = people::WORDS.iter().filter(|(role, _)| roles.contains(role));
    held.map(|(_, word)| *word).collect::<Vec<_>>().join(" ")
}

async fn take_in(client: &impl GenericClient, actor: &Actor, row: &Row) -> Result<TakenIn> {
    let person = people::insert(client, &row.new).await?;
    let organisation = row.new.organisation;
    let statement = "insert into group_member (group_id, person_id, organisation_id) \
        select id, $1, organisation_id from people_group where organisation_id = $2 and lower(name) = any ($3)";
    let groups: Vec<String> = row.groups.iter().map(|name| name.to_lowercase()).collect();
    client.execute(statement, &[&person.0, &organisation.0, &groups]).await?;
    let invitation = tickets::issue(client, person, Purpose::Invitation, invitations::HOURS).await?;
    let login = people::login(client, person).await?;
    let done = Done { organisation: Some(organisation), action: "person.import", target: &login, detail: "" };
    audit::record(client, actor, &done).await?;
    Ok(TakenIn { person, login, name: row.new.name.clone(), invitation })
}

async fn look(client: &impl GenericClient, organisation: OrganisationId, table: &[u8]) -> Result<Preview> {
    let (lines, mut faults) = read::read(table);
    let known = "select lower(name) from people_group where organisation_id = $1";
    let known = client.query(known, &[&organisation.0]).await?;
    let groups: BTreeSet<String> = known.iter().map(|row| row.get(0)).collect();
    let mut people = Vec::new();
    let mut first: BTreeMap<String, u64> = BTreeMap::new();
    for line in &lines {
        let before = faults.len();
        let row = one(line, organisation, &groups, &mut faults);
        let Some(row) = row.filter(|_| faults.len() == before) else { continue };
        match first.get(&row.new.login) {
            Some(_) => faults.push(line.fault(Column::Login, What::Twice)),
            None => {
                first.insert(row.new.login.clone(), line.number);
                people.push(row);
            }
        }
    }
    let logins: Vec<&String> = first.keys().collect();
    let statement = "select login from (select login from person union select login from former_login) as known where login = any ($1)";
    for row in client.query(statement, &[&logins]).await? {
        let login: String = row.get(0);
        let line = first.get(&login).copied().unwrap_or_default();
        people.retain(|person: &Row| person.new.login != login);
        let what = What::Value(Invalid { field: Field::Login, fault: Fault::Taken });
        faults.push(LineFault { line, value: login, what });
    }
    faults.sort_by_key(|fault| fault.line);
    Ok(Preview { people, faults })
}

/// One line as a person, its faults noted.
fn one(
    line: &read::Line,
    organisation: OrganisationId,
    known: &BTreeSet<String>,
    faults: &mut Vec<LineFault>,
) -> Option<Row> {
    let mut note = |column: Column, field: Field, fault: Fault| {
        faults.push(line.fault(column, What::Value(Invalid { field, fault })));
    };
    let name = values::name(line.get(Column::Name)).map_err(|fault| note(Column::Name, Field::Name, fault));
    let login = match line.get(Column::Login) {
        "" => read::login_from(line.get(Column::Name)),
        login => login.to_owned(),
    };
    let login = values::new_login(&login).map_err(|fault| note(Column::Login, Field::Login, fault));
    let contact = line.get(Column::Contact).to_owned();
    let _ = values::contact(&contact).map_err(|fault| note(Column::Contact, Field::Contact, fault));
    let language = match line.get(Column::Language).to_lowercase().as_str() {
        "" => None,
        word => people::language_of(word).or_else(|| {
            note(Column::Language, Field::Language, Fault::Unknown);
            None
        }),
    };
    let mut roles = BTreeSet::new();
    for word in line.get(Column::Roles).split_whitespace() {
        match people::WORDS.iter().find(|(_, known)| *known == word.to_lowercase()) {
            Some((role, _)) => drop(roles.insert(*role)),
            None => note(Column::Roles, Field::Roles, Fault::Unknown),
        }
    }
    let groups: Vec<String> = line
        .get(Column::Groups)
        .split('|')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    if groups.iter().any(|name| !known.contains(&name.to_lowercase())) {
        note(Column::Groups, Field::Group, Fault::Unknown);
    }
    let new = New { organisation, login: login.ok()?, name: name.ok()?, contact, language, roles };
    Some(Row { line: line.number, new, groups })
}
