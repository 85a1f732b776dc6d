//! The machine's pages, for operators: how it is, and its settings.
//!
//! | module | subject |
//! |---|---|
//! | [`overview`] | health, version, what to look at |
//! | [`services`] | services switched on and off |
//! | [`choice`] | services of which one must be chosen, compared |
//! | [`network`], [`wifi`] | name, addresses, wireless network |
//! | [`report`] | pages that services give to the operator |
//! | [`sites`] | what the box answers to, and where domains lead |
//! | [`settings`] | association, language, remote maintenance |
//! | [`mail`] | the relay that takes the box's own messages |
//! | [`certificates`] | the box's certificates, and who certifies its public domains |
//! | [`change`] | what a change would do, confirming it, how it went |
//!
//! A form never changes anything by itself: it leads to the page that shows what would change
//! ([`change::preview`]), and that one's form orders it.

pub mod certificates;
pub mod change;
pub mod choice;
pub mod mail;
pub mod network;
pub mod overview;
pub mod report;
pub mod services;
pub mod settings;
pub mod sites;
pub mod wifi;

use crate::change::Current;

use super::failure::Failure;
use super::member::Member;

/// The settings in force.
///
/// # Errors
/// The broker fails.
async fn current(member: &Member) -> Result<Current, Failure> {
    Ok(member.app.broker.settings().await?)
}

/// What people call a group of services of which exactly one is on.
fn group_title(member: &Member, group: &str) -> String {
    let key = format!("alternative.{group}");
    let known = member.app.pages.catalogue.get(member.language, &key).is_some();
    if known { member.say(&key, &[]) } else { group.to_owned() }
}
