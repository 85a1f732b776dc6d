//! What the operator's pages offer: `<act>` or `<act>:<row>`, as the manifest's unit hands it on.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use mazet_model::report::is_id;

use crate::open::trial;
use crate::people::People;
use crate::run;

/// Fetches from all mailboxes elsewhere.
const FETCH: &str = "mazet-mail-fetch.service";
/// Takes port 25 for an hour.
const TRIAL: &str = "mazet-mail-trial.service";

/// Does it, as root.
///
/// # Errors
/// It is none, or fails.
pub async fn act(people: &People, what: &str) -> Result<()> {
    let (name, row) = what.split_once(':').unwrap_or((what, ""));
    if !row.is_empty() && !is_id(row) {
        bail!("{row:?} is no name of a row");
    }
    match (name, row) {
        ("retry", id) if !id.is_empty() => run::run("postqueue", &["-i", id]).context("trying again"),
        ("give-up", id) if !id.is_empty() => give_up(id),
        ("fetch", "") => run::run("systemctl", &["start", FETCH]).context("fetching"),
        ("trial", "") => begin(),
        ("lift", login) if !login.is_empty() => people.allow(login).await.map(drop),
        _ => bail!("there is no act {what:?}"),
    }
}

/// The unit takes port 25 for an hour. What was seen before is forgotten: it may have been another router.
fn begin() -> Result<()> {
    run::run("systemctl", &["stop", TRIAL])?;
    trial::forget(Path::new(trial::FILE))?;
    run::run("systemctl", &["start", TRIAL]).context("beginning the trial")
}

/// The message goes back to its writer at once, as it would after three days.
fn give_up(id: &str) -> Result<()> {
    run::run("postsuper", &["-f", id]).context("giving a message up")?;
    run::run("postqueue", &["-i", id]).context("sending a message back")
}
