//! Debian's lego: how it is asked, and what it says.

use std::fs;
use std::path::{Path, PathBuf};

use mazet_model::settings::{CertificateMode, Certificates};

use super::{Reason, Refused, secrets};
use crate::run::{Program, Runner};

/// lego's own words, before an account or a certificate is there. The key stays: others may have been told its digest
/// (TLSA, RFC 6698), and would bring no mail to another one.
const RENEW: [&str; 5] = ["renew", "--reuse-key", "--no-random-sleep", "--days", "36500"];

/// Where it works.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its folder: accounts, certificates, keys.
    pub folder: PathBuf,
    /// The folder that plain HTTP shows at `/.well-known/acme-challenge/`, without that path.
    pub webroot: PathBuf,
}

/// Chain and key of an order in `folder`.
pub fn files(folder: &Path, certificates: &Certificates) -> (PathBuf, PathBuf) {
    // It names them by the first domain.
    let name = certificates.domains.first().map_or("", String::as_str);
    let file = |ending: &str| folder.join("certificates").join(format!("{name}.{ending}"));
    (file("crt"), file("key"))
}

/// Orders a certificate, or one more in the place of the one that is there.
///
/// # Errors
/// Why there is none.
pub fn obtain(
    place: &Place,
    certificates: &Certificates,
    renew: bool,
    runner: &Runner,
) -> Result<(), Refused> {
    let attempt = run(place, certificates, renew, runner);
    match attempt {
        // The authority forgot the account: a new one is made.
        Err(said) if said.contains("error:accountDoesNotExist") => {
            fs::remove_dir_all(place.folder.join("accounts")).map_err(|error| refused(&error.to_string()))?;
            run(place, certificates, renew, runner)
        }
        other => other,
    }
    .map_err(|said| refused(&said))
}

fn run(place: &Place, certificates: &Certificates, renew: bool, runner: &Runner) -> Result<(), String> {
    let mut words = words(place, certificates);
    let last: &[&str] = if renew { &RENEW } else { &["run"] };
    words.extend(last.iter().map(|word| (*word).to_owned()));
    runner.run(Program::Lego, &words).map(drop).map_err(|error| secrets::hidden(&format!("{error:#}")))
}

/// What it is told. No secret: those stand in its environment.
fn words(place: &Place, certificates: &Certificates) -> Vec<String> {
    let mut words = vec!["--accept-tos".to_owned()];
    let mut say = |name: &str, value: &str| words.extend([name.to_owned(), value.to_owned()]);
    say("--email", certificates.email.as_deref().unwrap_or_default());
    say("--server", certificates.directory());
    say("--path", &place.folder.display().to_string());
    say("--key-type", "ec256");
    certificates.domains.iter().for_each(|domain| say("--domains", domain));
    match (certificates.mode, &certificates.dns_provider) {
        (CertificateMode::AcmeDns, Some(provider)) => say("--dns", provider),
        _ => {
            say("--http.webroot", &place.webroot.display().to_string());
            words.push("--http".to_owned());
        }
    }
    words
}

/// Errors of the protocol (RFC 8555 § 6.7) by the end of their name, and of what comes before it.
const KINDS: [(&str, Reason); 17] = [
    ("error:rateLimited", Reason::RateLimited),
    ("error:rejectedIdentifier", Reason::Identifier),
    ("error:unsupportedIdentifier", Reason::Identifier),
    ("error:caa", Reason::Caa),
    ("error:dns", Reason::Dns),
    ("NXDOMAIN", Reason::Dns),
    ("error:connection", Reason::Connection),
    ("error:tls", Reason::Connection),
    ("error:unauthorized", Reason::Unauthorized),
    ("error:incorrectResponse", Reason::Unauthorized),
    ("error:invalidContact", Reason::Contact),
    ("error:unsupportedContact", Reason::Contact),
    ("error:invalidEmail", Reason::Contact),
    ("Could not create client", Reason::Directory),
    ("error presenting token", Reason::Account),
    ("credentials information are missing", Reason::Account),
    ("error:serverInternal", Reason::Directory),
];

fn refused(said: &str) -> Refused {
    let found = KINDS.iter().find(|(words, _)| said.contains(words));
    Refused { reason: found.map_or(Reason::Other, |(_, reason)| *reason), detail: said.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lego_says_is_told_apart() {
        // As lego 4.9.1 said it to pebble.
        for (said, reason) in [
            (
                "acme: error: 400 :: POST :: https://127.0.0.1:14000/order-plz :: \
                 urn:ietf:params:acme:error:rejectedIdentifier :: Order included an identifier for which \
                 issuance is forbidden by policy: \"blocked.example.org\"",
                Reason::Identifier,
            ),
            (
                "[c.example.org] acme: error: 400 :: urn:ietf:params:acme:error:connection :: Get \
                 \"http://c.example.org:15002/.well-known/acme-challenge/uSf\": connection refused",
                Reason::Connection,
            ),
            (
                "Could not create client: get directory at 'https://127.0.0.1:14000/dir': Get \
                 \"https://127.0.0.1:14000/dir\": dial tcp 127.0.0.1:14000: connect: connection refused",
                Reason::Directory,
            ),
            ("something new", Reason::Other),
        ] {
            assert_eq!(refused(said).reason, reason, "{said}");
        }
    }

    #[test]
    fn no_secret_is_on_the_command_line_and_every_domain_is() {
        let place = Place { folder: "/srv/lego".into(), webroot: "/srv/www".into() };
        let mut certificates = Certificates {
            mode: CertificateMode::AcmeHttp,
            domains: vec!["a.example.org".to_owned(), "b.example.org".to_owned()],
            email: Some("ada@example.org".to_owned()),
            ..Certificates::default()
        };
        assert_eq!(
            words(&place, &certificates).join(" "),
            "--accept-tos --email ada@example.org --server https://acme-v02.api.letsencrypt.org/directory \
             --path /srv/lego --key-type ec256 --domains a.example.org --domains b.example.org \
             --http.webroot /srv/www --http"
        );
        certificates.mode = CertificateMode::AcmeDns;
        certificates.dns_provider = Some("desec".to_owned());
        assert!(words(&place, &certificates).join(" ").ends_with("--domains b.example.org --dns desec"));
    }
}
