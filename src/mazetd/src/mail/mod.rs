//! The box's own messages on their way out: invitations, resets, an operator's try.
//!
//! | command | run by | does |
//! |---|---|---|
//! | `mazetd mail send` | `mazet-mail.service`, sandboxed, as a user of its own | sends what is due ([`sending`]) |
//! | `mazetd mail check` | the health check of the manifest | is anything given up, or late? |
//! | `mazetd mail password` | root | keeps the relay's password |
//!
//! The pages put messages into the directory's outbox, and the broker, which has no network, starts the
//! unit. The relay stands in `box.toml`; its password is root's alone, and systemd hands it to the unit as
//! a credential.

mod relay;
mod sending;

use std::fs;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use mazet_database::Place;
use mazet_directory::outbox::{Queue, Trouble};
use mazet_directory::{DATABASE, OWNER};
use mazet_model::settings::Language;

#[cfg(test)]
pub use sending::Sender;

use crate::run::{Program, Runner};
use crate::web::catalogue::Catalogue;
use crate::{database, files, system};

/// The relay's password, below the root; root's alone, in a folder that the unit's credentials come from.
const PASSWORD: &str = "srv/mazet/secrets/mail/password";
/// The unit that sends.
const UNIT: &str = "mazet-mail.service";
/// Longest password that is taken, in bytes.
const LONGEST: usize = 1024;

/// What `mazetd mail` does.
#[derive(Debug, Subcommand)]
pub enum Mail {
    /// Sends the box's messages that are due (the work of mazet-mail.service)
    Send,
    /// Looks whether messages are late or were given up
    Check,
    /// Keeps the password of the mail relay, read from standard input; an empty one is forgotten
    Password,
}

/// Does it.
///
/// # Errors
/// When settings or database cannot be read, or the check finds something.
pub fn run(command: &Mail, runner: &Runner) -> Result<()> {
    match command {
        Mail::Send => database::runtime()?.block_on(sending::run()),
        Mail::Check => database::runtime()?.block_on(check()),
        Mail::Password => {
            let mut password = String::new();
            std::io::stdin().read_to_string(&mut password).context("reading the password")?;
            keep_password(Path::new("/"), password.trim_end_matches(['\r', '\n']))?;
            start(runner)
        }
    }
}

/// Is a password kept?
pub fn has_password(root: &Path) -> bool {
    root.join(PASSWORD).exists()
}

/// Keeps the relay's password for root alone; forgets it when it is empty.
///
/// # Errors
/// When it cannot be one, or the file cannot be changed.
pub fn keep_password(root: &Path, password: &str) -> Result<()> {
    if password.len() > LONGEST || password.chars().any(char::is_control) {
        bail!("the password must be one line of at most {LONGEST} bytes");
    }
    let path = root.join(PASSWORD);
    let folder = path.parent().context("a file needs a folder")?;
    files::make_folder(folder, 0o700)?;
    if !password.is_empty() {
        return files::write_atomically(&path, password.as_bytes(), 0o600, None);
    }
    match fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", path.display()))
        }
        _ => files::sync_folder(folder),
    }
}

/// Has the unit send what is due; does not wait.
///
/// # Errors
/// When systemd refuses.
pub fn start(runner: &Runner) -> Result<()> {
    runner.run(Program::Systemctl, &["--no-block", "start", UNIT]).map(drop)
}

/// Nothing, or what is not well with the box's messages as an error.
async fn check() -> Result<()> {
    let queue = Queue::open(&Place::new(DATABASE, OWNER)).await?;
    match queue.trouble().await? {
        None => Ok(()),
        Some(trouble) => bail!("{}", told(&trouble, system::language())),
    }
}

/// What is not well, in one line: people read it among the findings of the machine's health.
fn told(Trouble { given_up, late, answer }: &Trouble, language: Language) -> String {
    let catalogue = Catalogue::shared();
    let nothing = catalogue.say(language, "mail.trouble_no_answer", &[]);
    let (given_up, late) = (given_up.to_string(), late.to_string());
    let answer = if answer.is_empty() { &nothing } else { answer };
    catalogue.say(language, "mail.trouble", &[("given_up", &given_up), ("late", &late), ("answer", answer)])
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_password_is_roots_alone_and_can_be_forgotten() {
        let root = tempfile::tempdir().expect("temporary folder");
        keep_password(root.path(), "sésame 42").expect("kept");
        let path = root.path().join(PASSWORD);
        assert_eq!(fs::read_to_string(&path).expect("read"), "sésame 42");
        assert_eq!(fs::metadata(&path).expect("metadata").permissions().mode() & 0o777, 0o600);
        let folder = path.parent().expect("a folder");
        assert_eq!(fs::metadata(folder).expect("metadata").permissions().mode() & 0o777, 0o700);
        assert!(has_password(root.path()));
        assert!(keep_password(root.path(), "two\nlines").is_err());
        for _ in 0..2 {
            keep_password(root.path(), "").expect("forgotten");
            assert!(!has_password(root.path()));
        }
    }

    #[test]
    fn trouble_is_told_in_one_line() {
        let trouble = Trouble { given_up: 2, late: 0, answer: "550 no such user".to_owned() };
        insta::assert_snapshot!(told(&trouble, Language::En), @"2 given up in the last 7 days, 0 waiting for more than an hour; the last answer: 550 no such user; look at the page “Mail that the box sends”.");
        let silent = told(&Trouble { answer: String::new(), ..trouble }, Language::Fr);
        assert!(
            silent.starts_with("2 abandonnés") && silent.contains("aucun serveur n’a encore été essayé"),
            "{silent}"
        );
    }
}
