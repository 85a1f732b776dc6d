//! Mail that comes to a mailbox elsewhere, fetched by fetchmail and handed to the box's mail server.
//!
//! What the operator gave of each mailbox is a credential of the unit (a JSON object, `box_<id>.json`); how the last
//! run went stands in a folder of its own, without any secret.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use clap::Args;
use mazet_model::manifest::Text;
use mazet_model::report::{Level, Line, Row};
use serde::{Deserialize, Serialize};

use crate::people::People;
use crate::words::both;

/// Messages at a time: the rest comes with the next run.
const AT_A_TIME: &str = "200";
/// fetchmail(1): there was nothing to fetch.
const NOTHING: i32 = 1;

/// Where things are.
#[derive(Debug, Clone, Args)]
pub struct Folders {
    /// What systemd handed over; it makes no folder for nothing
    #[arg(
        long,
        value_name = "FOLDER",
        env = "CREDENTIALS_DIRECTORY",
        default_value = "/run/credentials/none"
    )]
    pub credentials: PathBuf,
    /// How the last runs went
    #[arg(long, value_name = "FOLDER", default_value = "/srv/mazet-fetch")]
    pub outcomes: PathBuf,
}

/// A mailbox elsewhere.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mailbox {
    host: String,
    user: String,
    password: String,
    to: String,
}

/// How a run went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Seconds since 1970.
    pub at: u64,
    /// fetchmail's exit status, fetchmail(1); 0 and 1 are well.
    pub status: i32,
    /// Its first line, where it failed.
    pub said: String,
}

/// Mailboxes by the names of their rows.
fn mailboxes(folder: &Path) -> Result<BTreeMap<String, Mailbox>> {
    let mut all = BTreeMap::new();
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(all),
        entries => entries.with_context(|| format!("reading {}", folder.display()))?,
    };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some(id) = name.strip_prefix("box_").and_then(|name| name.strip_suffix(".json")) else {
            continue;
        };
        let text = fs::read_to_string(&path).with_context(|| format!("reading the mailbox {id}"))?;
        // serde's text may quote what stands there, the password perhaps.
        let Ok(mailbox) = serde_json::from_str(&text) else {
            eprintln!("<4>the mailbox {id} cannot be read");
            continue;
        };
        all.insert(id.to_owned(), mailbox);
    }
    Ok(all)
}

/// Fetches from all mailboxes.
///
/// # Errors
/// When nothing can be read or written here. What a server elsewhere says is no error: the page tells it.
pub fn fetch(folders: &Folders) -> Result<()> {
    let runtime =
        PathBuf::from(std::env::var_os("RUNTIME_DIRECTORY").context("systemd gave no folder to work in")?);
    for (id, mailbox) in mailboxes(&folders.credentials)? {
        let outcome = run(&runtime, &mailbox)?;
        if ![0, NOTHING].contains(&outcome.status) {
            eprintln!("<4>fetching from {}: {}", mailbox.host, outcome.said);
        }
        let text = serde_json::to_string(&outcome).context("writing how it went")?;
        let path = folders.outcomes.join(format!("{id}.json"));
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}

fn run(runtime: &Path, mailbox: &Mailbox) -> Result<Outcome> {
    let path = runtime.join("fetchmailrc");
    let _ = fs::remove_file(&path);
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    let written = file.and_then(|mut file| file.write_all(configuration(mailbox).as_bytes()));
    written.with_context(|| format!("writing {}", path.display()))?;
    let output = Command::new("fetchmail")
        .arg("--fetchmailrc")
        .arg(&path)
        .args(["--nodetach", "--nosyslog", "--silent"])
        .env("FETCHMAILHOME", runtime)
        .env("HOME", runtime)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .output();
    let _ = fs::remove_file(&path);
    let output = output.context("starting fetchmail")?;
    let said = String::from_utf8_lossy(&output.stderr);
    // It begins with what failed, and goes on with where to read more.
    let first = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_secs());
    Ok(Outcome { at, status: output.status.code().unwrap_or(-1), said: first.to_owned() })
}

/// fetchmail's configuration: what the box's mail server does not take stays where it is.
fn configuration(mailbox: &Mailbox) -> String {
    let Mailbox { host, user, password, to } = mailbox;
    format!(
        "set no bouncemail\nset no spambounce\nset softbounce\nset postmaster \"\"\n\
         poll {} protocol IMAP port 993\n\
         user {} password {}\n\
         ssl sslproto \"tls1.2+\" sslcertck fetchall no keep fetchlimit {AT_A_TIME}\n\
         smtphost \"127.0.0.1/10025\" smtpname {} antispam -1\n",
        quoted(host),
        quoted(user),
        quoted(password),
        quoted(to)
    )
}

/// Every byte by its number: nothing of it can end the string.
fn quoted(text: &str) -> String {
    let bytes: String = text.bytes().map(|byte| format!("\\x{byte:02x}")).collect();
    format!("\"{bytes}\"")
}

/// The lines of the operator's page.
///
/// # Errors
/// When the mailboxes or the directory cannot be read.
pub async fn lines(people: &People, folders: &Folders, host: &str) -> Result<Vec<Line>> {
    let mut lines = vec![Line::Section {
        title: both("Boîtes relevées", "Mailboxes that are fetched"),
        text: Some(both(
            "Toutes les dix minutes. Ce qui a été relevé n’est plus là-bas ; ce que ce serveur ne peut pas prendre y reste.",
            "Every ten minutes. What was fetched is gone there; what this box cannot take stays there.",
        )),
        empty: Some(both("Aucune.", "There is none.")),
    }];
    for (id, mailbox) in mailboxes(&folders.credentials)? {
        let known = people.reads(&mailbox.to, host).await?;
        let outcome = fs::read_to_string(folders.outcomes.join(format!("{id}.json"))).ok();
        let outcome = outcome.and_then(|text| serde_json::from_str(&text).ok());
        lines.push(Line::Row(row(&id, &mailbox, known, outcome.as_ref())));
    }
    Ok(lines)
}

fn row(id: &str, mailbox: &Mailbox, known: bool, outcome: Option<&Outcome>) -> Row {
    let Mailbox { host, user, to, .. } = mailbox;
    let mut facts = vec![both(format!("Livré à {to}."), format!("Brought to {to}."))];
    let well = outcome.is_none_or(|outcome| [0, NOTHING].contains(&outcome.status));
    if !known {
        facts.push(both(
            format!("{to} n’est pas une adresse de ce serveur : rien n’y sera livré."),
            format!("{to} is no address of this box: nothing will be brought there."),
        ));
    }
    facts.push(
        outcome
            .map_or_else(|| both("Pas encore relevée.", "Not fetched yet."), |outcome| told(outcome.status)),
    );
    Row {
        id: Some(id.to_owned()),
        title: both(format!("{user}, chez {host}"), format!("{user}, at {host}")),
        level: match outcome {
            _ if !known || !well => Level::Bad,
            Some(_) => Level::Good,
            None => Level::Plain,
        },
        at: outcome.and_then(|outcome| i64::try_from(outcome.at).ok()),
        facts,
        quote: outcome.filter(|_| !well).map(|outcome| outcome.said.clone()),
        acts: vec!["forget".to_owned()],
        ..Row::default()
    }
}

/// What fetchmail's exit status means: fetchmail(1).
fn told(status: i32) -> Text {
    match status {
        0 => both("Du courrier a été relevé.", "Mail was fetched."),
        NOTHING => both("Il n’y avait rien.", "There was nothing."),
        2 | 11 => both(
            "Le serveur ne répond pas, ou son certificat n’est pas reconnu : vérifiez son nom.",
            "The server does not answer, or its certificate is not believed: check its name.",
        ),
        3 => both("L’identifiant ou le mot de passe est refusé.", "The login or the password is refused."),
        10 => both(
            "Ce serveur n’a pas pris tout le courrier : ce qui n’a pas été pris est resté là-bas.",
            "This box did not take all of the mail: what was not taken stayed there.",
        ),
        _ => {
            both("Cela n’a pas marché, pour la raison ci-dessous.", "It did not work, for the reason below.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailbox() -> Mailbox {
        Mailbox {
            host: "imap.example.org".to_owned(),
            user: "contact".to_owned(),
            password: "a\"\\\nset x".to_owned(),
            to: "contact@amis.example".to_owned(),
        }
    }

    #[test]
    fn nothing_of_a_password_ends_its_string() {
        let written = configuration(&mailbox());
        assert!(
            written.contains("password \"\\x61\\x22\\x5c\\x0a\\x73\\x65\\x74\\x20\\x78\"\n"),
            "{written}"
        );
        assert!(written.contains("sslcertck") && written.contains("no keep"), "{written}");
        assert_eq!(written.lines().count(), 8);
    }

    #[test]
    fn a_page_tells_how_it_went_and_no_secret() {
        let failed = Outcome { at: 1, status: 3, said: "fetchmail: Authorization failure".to_owned() };
        let shown = row("ab12", &mailbox(), true, Some(&failed));
        assert_eq!((shown.level, shown.quote.as_deref()), (Level::Bad, Some(failed.said.as_str())));
        assert!(shown.facts[1].en.contains("password is refused"));
        let nothing = Outcome { status: NOTHING, ..failed };
        let shown = row("ab12", &mailbox(), true, Some(&nothing));
        assert_eq!((shown.level, shown.quote.is_none()), (Level::Good, true));
        assert!(!format!("{shown:?}").contains("set x"));
        assert_eq!(row("ab12", &mailbox(), false, None).level, Level::Bad);
    }

    #[test]
    fn mailboxes_are_what_systemd_handed_over() {
        let folder = std::env::temp_dir().join(format!("mazet-fetch-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let good = r#"{"host":"imap.example.org","user":"u","password":"p","to":"a@b.example"}"#;
        fs::write(folder.join("box_ab12.json"), good).expect("written");
        fs::write(folder.join("box_bad.json"), "{\"password\":\"p\"}").expect("written");
        fs::write(folder.join("other"), "x").expect("written");
        let all = mailboxes(&folder).expect("read");
        assert_eq!(all.keys().collect::<Vec<_>>(), ["ab12"]);
        fs::remove_dir_all(&folder).expect("removed");
    }
}
