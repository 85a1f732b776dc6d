//! Invitations and codes for another password: printed, or sent.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use mazet_directory::csv;
use mazet_directory::people;
use mazet_directory::{Actor, Directory, OrganisationId, PersonId, invitations, resets};

use super::{InWords as _, Refused, print};
use crate::acts::Wrong;
use crate::acts::people::line_key;
use crate::broker::offers;
use crate::run::Runner;
use crate::web::api::people::{Invited, Mailed, Slip};
use crate::web::letters::Writer;
use crate::{mail, system};

/// How codes are given.
#[derive(Debug, Clone, Copy)]
pub struct How {
    /// To the person's mail address.
    pub by_mail: bool,
    /// For programs.
    pub json: bool,
}

/// What is known before anything is done: codes are shown once.
pub struct Desk {
    /// Where the box's pages are, for programs, which are told it beside a code.
    base: Option<String>,
    writer: Option<Writer>,
}

impl Desk {
    /// For codes given so.
    ///
    /// # Errors
    /// The settings cannot be read, or have no mail relay where one is needed.
    pub fn open(how: How) -> Result<Self> {
        let address = || offers::of(Path::new("/")).map(|offers| offers.address);
        Ok(Self {
            base: how.json.then(address).transpose()?,
            writer: how.by_mail.then(self::writer).transpose()?,
        })
    }
}

/// Who writes the box's messages.
///
/// # Errors
/// The settings cannot be read, or have no mail relay.
pub fn writer() -> Result<Writer> {
    let root = Path::new("/");
    let settings = system::settings(root)?;
    ensure!(
        settings.mail.relay.is_some(),
        "the box sends no mail yet: `mazetd mail relay` says through which server it shall"
    );
    let base = offers::of(root)?.address;
    Ok(Writer::of(base, settings.organisation.name, settings.machine.language))
}

/// Has what is in the outbox sent now. Where that fails, the unit's timer sends it a little later.
pub fn post() {
    if let Err(error) = mail::start(&Runner::default()) {
        eprintln!("sending messages at once: {error:#}");
    }
}

/// A new invitation.
pub async fn invite(directory: &Directory, id: PersonId, desk: &Desk) -> Result<()> {
    if let Some(writer) = &desk.writer {
        let mailed_to = send(directory, id, writer).await?;
        post();
        return match &desk.base {
            Some(_) => print(&Mailed { mailed_to }),
            None => {
                println!("{mailed_to}");
                Ok(())
            }
        };
    }
    let ticket = invitations::make(directory, &Actor::system(), id).await.in_words()?;
    eprintln!("counts for {} days", invitations::HOURS / 24);
    match &desk.base {
        Some(base) => {
            let person = people::get(directory, &Actor::system(), id).await?;
            let invitation = Some(Slip::at(base, "/welcome", &ticket));
            print(&Invited { person, invitation, mailed_to: None })
        }
        None => {
            println!("{}", ticket.code.grouped());
            Ok(())
        }
    }
}

/// Puts an invitation into the outbox; gives the address that it goes to.
pub(super) async fn send(directory: &Directory, id: PersonId, writer: &Writer) -> Result<String> {
    writer.invite(directory, &Actor::system(), id).await.in_words()
}

/// A code for another password.
pub async fn reset(directory: &Directory, id: PersonId, json: bool) -> Result<()> {
    let desk = Desk::open(How { by_mail: false, json })?;
    let ticket = resets::make(directory, &Actor::system(), id).await.in_words()?;
    eprintln!("counts for {} hours", resets::SLIP_HOURS);
    match desk.base {
        Some(base) => print(&Slip::at(&base, "/reset", &ticket))?,
        None => println!("{}", ticket.code.grouped()),
    }
    Ok(())
}

/// Takes a table of people in, or says who would come.
pub async fn import(
    directory: &Directory,
    organisation: OrganisationId,
    table: &[u8],
    (dry_run, how): (bool, How),
) -> Result<()> {
    let root = Actor::system();
    let preview = csv::preview(directory, &root, organisation, table).await?;
    let wrong = preview.faults.iter().map(|fault| Wrong {
        field: format!("line {}", fault.line).into(),
        key: line_key(fault.what),
        value: fault.value.clone(),
        ..Wrong::default()
    });
    Refused::none(&wrong.collect::<Vec<_>>())?;
    if dry_run {
        for row in &preview.people {
            println!("{}\t{}", row.new.login, row.new.name);
        }
        return Ok(());
    }
    let desk = Desk::open(how)?;
    let taken = csv::import(directory, &root, organisation, table).await?;
    let taken = taken.ok().context("the directory changed meanwhile: try again")?;
    let mut invited = Vec::new();
    for one in &taken {
        let way = (desk.writer.as_ref(), desk.base.as_deref().unwrap_or_default());
        invited.push(Invited::of((directory, &root), way, one).await?);
    }
    if desk.writer.is_some() {
        post();
    }
    if how.json {
        return print(&invited);
    }
    for Invited { person, invitation, mailed_to } in invited {
        let told = mailed_to.or(invitation.map(|slip| slip.code)).unwrap_or_default();
        println!("{}\t{}\t{told}", person.login, person.name);
    }
    Ok(())
}
