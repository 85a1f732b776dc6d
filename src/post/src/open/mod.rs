//! The operator's page about being a full mail server: what it needs, and whether that is there.
//!
//! | module | subject |
//! |---|---|
//! | [`reach`] | the public address, port 25 to the outside, the address's name, blocklists |
//! | [`records`] | records that the DNS needs |
//! | [`secure`] | records that have mail brought encrypted, or not at all |
//! | [`resolve`] | asking the DNS |
//! | [`trial`] | does mail from outside reach the box? |

pub mod reach;
mod records;
mod resolve;
mod secure;
pub mod trial;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use mazet_model::report::{Level, Line, Row};

use crate::people::People;
use crate::words::both;
use reach::Finding;
use records::Told;
use resolve::Dns;
use trial::Trial;

/// Domains that are looked at: each takes several questions.
const MOST: usize = 10;

/// What is looked at.
#[derive(Debug, Clone, Args)]
pub struct Places {
    /// What the settings say, as mazetd rendered it
    #[arg(long, value_name = "FILE", default_value = "/etc/mazet-mail/open.conf")]
    pub settings: PathBuf,
    /// The record of the key that signs
    #[arg(long, value_name = "FILE", default_value = "/srv/mail-filter/mazet.txt")]
    pub key: PathBuf,
    /// The certificate that the mail server shows
    #[arg(long, value_name = "FILE", default_value = "/srv/mazet/tls/public.pem")]
    pub certificate: PathBuf,
    /// Domains whose mail servers are tried, one after the other
    #[arg(long, value_name = "DOMAIN")]
    pub known: Vec<String>,
    /// Lists of addresses that others shut out
    #[arg(long, value_name = "DOMAIN")]
    pub list: Vec<String>,
}

/// What the settings say.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Public names of the box; the first is that of the mail server.
    pub names: Vec<String>,
    /// Name of the box on its own network.
    pub host: String,
    /// Services that are on.
    pub services: Vec<String>,
    /// The way of mail.
    pub way: String,
}

impl Settings {
    /// Reads what mazetd rendered.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        Ok(Self::parse(&text))
    }

    fn parse(text: &str) -> Self {
        let of = |word: &str| {
            let lines = text.lines().filter_map(|line| line.split_once(' ')).filter(|(key, _)| *key == word);
            lines.map(|(_, value)| value.to_owned()).collect::<Vec<_>>()
        };
        let one = |word: &str| of(word).pop().unwrap_or_default();
        Self { names: of("name"), services: of("service"), host: one("box"), way: one("way") }
    }
}

/// Its lines.
///
/// # Errors
/// When the settings or the directory cannot be read.
pub async fn lines(people: &People, places: &Places) -> Result<Vec<Line>> {
    let settings = Settings::read(&places.settings)?;
    let dns = Dns::of_the_box();
    let mut lines = vec![heading()];
    let Some(host) = settings.names.first() else {
        lines.push(Line::Row(no_name()));
        lines.push(verdict(false));
        return Ok(lines);
    };
    let findings = findings(&dns, host, &settings, places).await;
    let passed = findings.iter().all(|finding| finding.passed);
    lines.extend(findings.into_iter().map(|finding| Line::Row(finding.row)));
    lines.push(verdict(passed));
    let told = Told {
        host,
        names: &settings.names,
        services: &settings.services,
        key: fs::read_to_string(&places.key).ok().and_then(|file| records::key(&file)),
        pin: fs::read(&places.certificate).ok().and_then(|file| secure::pin(&file)),
    };
    for domain in people.domains().await?.iter().take(MOST) {
        lines.extend(records::lines(&dns, domain, &told).await);
    }
    Ok(lines)
}

async fn findings(dns: &Dns, host: &str, settings: &Settings, places: &Places) -> Vec<Finding> {
    let (address, public) = reach::address(dns, host).await;
    let (outgoing, named, listed) = tokio::join!(
        reach::outgoing(dns, &places.known),
        reach::named(dns, host, &public),
        reach::listed(dns, &public, &places.list)
    );
    vec![address, outgoing, incoming(host, settings), named, listed, filtered(settings)]
}

fn heading() -> Line {
    Line::Section {
        title: both("Ce qu’il faut", "What it takes"),
        text: Some(both(
            "Un serveur de courrier complet reçoit le courrier du monde entier et l’envoie lui-même. La plupart des accès à Internet des particuliers ne le permettent pas ; passer par un serveur d’envoi marche partout.",
            "A full mail server takes mail from all the world and sends it by itself. Most Internet accesses of homes do not allow it; going through a relay works everywhere.",
        )),
        empty: None,
    }
}

fn no_name() -> Row {
    Row {
        title: both("Aucun nom public", "No public name"),
        level: Level::Bad,
        facts: vec![both(
            "Donnez d’abord à cette machine un nom de domaine, sur la page « Certificats » : le premier est celui du serveur de courrier.",
            "First give this box a domain name, on the page “Certificates”: the first one is the mail server’s.",
        )],
        ..Row::default()
    }
}

/// Whether somebody outside reached port 25: nothing on the box can tell by itself.
fn incoming(host: &str, settings: &Settings) -> Finding {
    let title = both("Le port 25 depuis l’extérieur", "Port 25 from the outside");
    let trial = Trial::read(Path::new(trial::FILE)).unwrap_or_default();
    if trial.shows(host) {
        let at = trial.arrived.as_ref().and_then(|one| i64::try_from(one.at).ok());
        let from = trial.arrived.map(|one| one.from.to_string()).unwrap_or_default();
        let fact = both(
            format!("Le message d’essai est arrivé, depuis {from}."),
            format!("The trial message arrived, from {from}."),
        );
        let mut finding = Finding::new(true, title, vec![fact]);
        finding.row.at = at;
        return finding;
    }
    let mut finding = Finding::new(false, title, vec![to_do(&trial, host, settings)]);
    if trial.host == host && trial.arrived.is_none() && settings.way != "full" {
        let address = format!("{}@{}", trial.word, trial.host);
        finding.row.copy.push(mazet_model::report::Copied {
            title: both("Adresse d’essai", "Trial address"),
            value: address,
            code: false,
        });
    }
    finding
}

fn to_do(trial: &Trial, host: &str, settings: &Settings) -> mazet_model::manifest::Text {
    if let Some(arrived) = trial.arrived.as_ref().filter(|_| trial.host == host) {
        let from = arrived.from;
        return both(
            format!(
                "Un message est arrivé, mais depuis {from}, qui n’est pas sur Internet : cela ne montre rien. Essayez depuis une boîte aux lettres hébergée ailleurs."
            ),
            format!(
                "A message arrived, but from {from}, which is not on the Internet: that shows nothing. Try from a mailbox elsewhere."
            ),
        );
    }
    if settings.way == "full" {
        return both(
            "Cette machine reçoit déjà : aucun essai n’a été fait.",
            "This box takes mail already: no trial was made.",
        );
    }
    if trial.host == host {
        return both(
            "Écrivez à l’adresse ci-dessous depuis une boîte aux lettres hébergée ailleurs (téléphone, webmail), dans l’heure qui suit le début de l’essai, puis rouvrez cette page. L’essai ne change rien au courrier de l’association.",
            "Write to the address below from a mailbox elsewhere (phone, webmail) within the hour after the trial began, then open this page again. The trial changes nothing about the association’s mail.",
        );
    }
    both(
        "Cette machine ne peut pas le voir seule : commencez l’essai ci-dessus. Le port 25 s’ouvre pour une heure, et une adresse d’essai est donnée ici.",
        "This box cannot see it alone: begin the trial above. Port 25 opens for an hour, and a trial address is given here.",
    )
}

/// Mail from outside needs to be looked at, and mail to the outside to be signed.
fn filtered(settings: &Settings) -> Finding {
    let on = settings.services.iter().any(|service| service == "mail-filter");
    let fact = if on {
        both(
            "Il est en marche : le courrier est signé (DKIM), SPF et DMARC sont vérifiés.",
            "It is on: mail is signed (DKIM), SPF and DMARC are looked at.",
        )
    } else {
        both(
            "Mettez-le en marche sur la page « Services » : il signe le courrier et écarte les indésirables.",
            "Switch it on at the page “Services”: it signs the mail and puts spam aside.",
        )
    };
    Finding::new(on, both("Le filtre du courrier", "The mail filter"), vec![fact])
}

fn verdict(passed: bool) -> Line {
    let title = if passed {
        both(
            "Tout est prêt : « Serveur complet » peut être choisi sur la page « Services ».",
            "All is ready: “Full mail server” can be chosen on the page “Services”.",
        )
    } else {
        both("Il manque encore quelque chose.", "Something is still missing.")
    };
    Line::Verdict { passed, title }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_line_by_line() {
        let text = "# Rendered\nway relay\nbox lavande.local\nname box.example.org\nname b.example.org\nservice mail\n";
        let expected = Settings {
            names: vec!["box.example.org".to_owned(), "b.example.org".to_owned()],
            host: "lavande.local".to_owned(),
            services: vec!["mail".to_owned()],
            way: "relay".to_owned(),
        };
        assert_eq!(Settings::parse(text), expected);
        assert!(!filtered(&expected).passed);
    }

    #[test]
    fn nothing_passes_without_a_message_from_outside() {
        let settings = Settings { way: "relay".to_owned(), ..Settings::default() };
        let finding = incoming("box.example.org", &settings);
        assert!(!finding.passed && finding.row.level == Level::Bad);
        assert!(matches!(verdict(false), Line::Verdict { passed: false, .. }));
    }
}
