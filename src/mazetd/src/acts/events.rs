//! What happened lately: the audit log, as far as one may read it.

use mazet_directory::audit::{self, Entry};
use mazet_directory::permission::{Action, Target};
use mazet_directory::{Actor, Directory, Result};

use super::people::organisations;

/// The latest `count` before the entry `before`, of the whole box or of the actor's organisations.
///
/// # Errors
/// The directory fails.
pub async fn latest(
    directory: &Directory,
    actor: &Actor,
    before: Option<i64>,
    count: u32,
) -> Result<Vec<Entry>> {
    if actor.may(Action::SeeAudit, &Target::Machine) {
        return audit::list(directory, actor, None, before, count).await;
    }
    let mut all = Vec::new();
    for one in organisations(directory, actor, Action::SeeAudit).await? {
        all.extend(audit::list(directory, actor, Some(one.id), before, count).await?);
    }
    all.sort_by_key(|entry| std::cmp::Reverse(entry.id));
    all.truncate(count as usize);
    Ok(all)
}
