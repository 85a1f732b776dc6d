//! The machine's pages, for operators: how it is, and its settings.
//!
//! | module | subject |
//! |---|---|
//! | [`overview`] | health, version, what to look at |
//! | [`services`] | services switched on and off |
//! | [`settings`] | name, network, remote maintenance |
//! | [`certificates`] | the box's certificates, and who certifies its public domains |
//! | [`change`] | what a change would do, confirming it, how it went |
//!
//! A form never changes anything by itself: it leads to the page that shows what would change
//! ([`change::preview`]), and that one's form orders it.

pub mod certificates;
pub mod change;
pub mod overview;
pub mod services;
pub mod settings;

use crate::change::Current;
use crate::protocol::{Request, Response};

use super::broker::unexpected;
use super::failure::Failure;
use super::member::Member;

/// The settings in force.
///
/// # Errors
/// The broker fails.
async fn current(member: &Member) -> Result<Current, Failure> {
    match member.app.broker.ask(&Request::Settings).await? {
        Response::Settings(current) => Ok(*current),
        other => Err(unexpected(&Request::Settings, &other).into()),
    }
}
