//! The machine's pages, for operators: how it is, and its settings.
//!
//! | module | subject |
//! |---|---|
//! | [`overview`] | health, version, what to look at |
//! | [`services`] | services switched on and off |
//! | [`settings`] | name, network, remote maintenance |
//! | [`change`] | what a change would do, confirming it, how it went |
//!
//! A form never changes anything by itself: it leads to the page that shows what would change
//! ([`change::preview`]), and that one's form orders it.

pub mod change;
pub mod overview;
pub mod services;
pub mod settings;

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
