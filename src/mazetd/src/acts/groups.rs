//! What is kept of a group.

use mazet_directory::aliases::{self, Reader};
use mazet_directory::groups::{self, Group};
use mazet_directory::{Actor, Directory, PersonId, Result};

/// What a group is to become; what is none stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wish {
    /// Its name.
    pub name: String,
    /// All who shall be in it.
    pub members: Vec<PersonId>,
    /// Is what is written to it kept in one mailbox that all of them read?
    pub mailbox: Option<bool>,
    /// All addresses that lead to it.
    pub addresses: Option<Vec<String>>,
}

/// Keeps all of it, up to the first value that cannot be taken.
///
/// # Errors
/// The actor may not, a value cannot be taken, or the directory fails.
pub async fn keep(directory: &Directory, actor: &Actor, group: &Group, wish: &Wish) -> Result<()> {
    groups::change(directory, actor, group.id, &wish.name, &wish.members).await?;
    if let Some(mailbox) = wish.mailbox {
        groups::keep_mail(directory, actor, group.id, mailbox).await?;
    }
    match &wish.addresses {
        Some(wanted) => keep_addresses(directory, actor, group, wanted).await,
        None => Ok(()),
    }
}

/// Adds and removes addresses, so that there are those and no others.
async fn keep_addresses(
    directory: &Directory,
    actor: &Actor,
    group: &Group,
    wanted: &[String],
) -> Result<()> {
    if group.addresses == wanted {
        return Ok(());
    }
    let reader = Reader::Group(group.id);
    for alias in aliases::list(directory, actor, group.organisation).await? {
        if alias.reader == reader && !wanted.contains(&alias.address) {
            aliases::remove(directory, actor, alias.id).await?;
        }
    }
    for address in wanted.iter().filter(|address| !group.addresses.contains(*address)) {
        aliases::add(directory, actor, group.organisation, address, reader).await?;
    }
    Ok(())
}
