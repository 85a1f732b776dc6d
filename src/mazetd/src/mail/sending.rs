//! Sending what is due: the work of `mazet-mail.service`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context, Result};
use mazet_database::Place;
use mazet_directory::DATABASE;
use mazet_directory::outbox::{Due, Kind, Queue, SENDER};
use mazet_model::settings::{Relay, Settings};

use super::relay::{Outcome, Way};
use crate::system;

/// Name of the password among the unit's credentials.
const CREDENTIAL: &str = "relay_password";
/// After the first failed try; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
/// And is never longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(30 * 60);

/// Sends with the box's settings, and the password that systemd hands over.
///
/// # Errors
/// When the settings or the database cannot be read.
pub async fn run() -> Result<()> {
    let settings = system::settings(Path::new("/"))?;
    let folder = env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    // Without one, the relay says what it lacks.
    let password = folder.and_then(|folder| fs::read_to_string(folder.join(CREDENTIAL)).ok());
    Sender { settings, password, place: Place::new(DATABASE, SENDER), trusted: None }.run().await
}

/// What a run needs.
pub struct Sender {
    /// The box's settings.
    pub settings: Settings,
    /// The relay's password.
    pub password: Option<String>,
    /// The outbox.
    pub place: Place,
    /// A certificate (PEM) that is believed beside the system's: that of a relay made for a test.
    pub trusted: Option<PathBuf>,
}

impl Sender {
    /// Gives up what is too old, and sends what is due, until nothing is or the relay as a whole fails.
    ///
    /// # Errors
    /// When the database does not answer, or the way to the relay cannot be prepared. A message that
    /// cannot be sent is no error: what the server said stands beside it.
    pub async fn run(&self) -> Result<()> {
        let queue = Queue::open(&self.place).await?;
        if queue.expire().await? > 0 {
            eprintln!("gave up messages that no server took in time");
        }
        let Some(relay) = &self.settings.mail.relay else { return Ok(()) };
        let way =
            Arc::new(Way::new(&self.settings, relay, self.password.as_deref(), self.trusted.as_deref())?);
        while let Some(due) = queue.next().await? {
            let (way, message) = (Arc::clone(&way), due.clone());
            let sent = tokio::task::spawn_blocking(move || way.send(&message)).await;
            if !keep(&queue, relay, &due, sent.context("sending a message")?).await? {
                break;
            }
        }
        Ok(())
    }
}

/// Writes down what became of a message; `false`: the others would fare alike.
async fn keep(queue: &Queue, relay: &Relay, due: &Due, outcome: Outcome) -> Result<bool> {
    // The server's words may quote the recipient: they stand in the outbox, not in the journal.
    let said = |what: &str| eprintln!("message {}: {what} ({})", due.id, relay.host);
    match outcome {
        Outcome::Sent(answer) => {
            said("sent");
            queue.sent(due.id, &answer).await?;
        }
        Outcome::Never(answer) => {
            said("refused for good");
            queue.failed(due.id, &answer).await?;
        }
        // An operator waits for the answer.
        Outcome::Later { answer, .. } if due.kind == Kind::Test => {
            said("not sent");
            queue.failed(due.id, &answer).await?;
        }
        Outcome::Later { answer, relay } => {
            said("to be tried again");
            queue.later(due.id, &answer, pause(due.tries)).await?;
            return Ok(!relay);
        }
    }
    Ok(true)
}

/// How long to wait after a failed try that had `before` others before it.
fn pause(before: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(before)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end_growing() {
        let minutes: Vec<u64> = [0, 1, 2, 4, 5, 99].map(|before| pause(before).as_secs() / 60).to_vec();
        assert_eq!(minutes, [1, 2, 4, 16, 30, 30]);
    }
}
