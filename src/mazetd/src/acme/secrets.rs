//! What opens an account at a DNS provider: the variables that lego reads, in a file that systemd gives to
//! its unit alone.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use mazet_model::manifest::DnsProvider;

use crate::certificates::Account;
use crate::files;

/// The file, below the box's root.
pub const FILE: &str = "srv/mazet/secrets/dns-provider.env";
/// The variable that tells our own process which others hold secrets.
const NAMES: &str = "MAZET_SECRETS";
/// The longest value in bytes.
const LONGEST: usize = 4096;
/// Stands where a secret was said.
const HIDDEN: &str = "…";

/// Keeps `values` for `provider` in the place of what was there before.
///
/// # Errors
/// When a variable is missing or is not the provider's, a value cannot stand in the file, or the file
/// cannot be written. No error tells a value.
pub fn keep(root: &Path, provider: &DnsProvider, values: &BTreeMap<String, String>) -> Result<()> {
    let known = |name: &String| provider.variables.iter().any(|variable| variable.name == *name);
    if let Some(name) = values.keys().find(|name| !known(name)) {
        bail!("{} has no variable {name:?}", provider.name);
    }
    let given = |name: &str| values.get(name).map_or("", |value| value.trim());
    let mut text = format!("MAZET_DNS_PROVIDER={}\n", provider.name);
    for variable in &provider.variables {
        let value = given(&variable.name);
        if value.is_empty() && variable.required {
            bail!("{} is missing", variable.name);
        }
        if value.len() > LONGEST || value.chars().any(char::is_control) {
            bail!("{} is too long, or holds what cannot be seen", variable.name);
        }
        if !value.is_empty() {
            text.push_str(&format!("{}={}\n", variable.name, quoted(value)));
        }
    }
    let secret = provider.variables.iter().filter(|variable| variable.secret);
    let names: Vec<&str> = secret.map(|variable| variable.name.as_str()).collect();
    text.push_str(&format!("{NAMES}={}\n", quoted(&names.join(" "))));
    files::write_atomically(&root.join(FILE), text.as_bytes(), 0o600, None)
}

/// As systemd.exec(5) reads it in double quotes.
fn quoted(value: &str) -> String {
    let mut quoted = String::from("\"");
    for c in value.chars() {
        if ['"', '\\', '`', '$'].contains(&c) {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// For which provider something is kept, and for which variables; never their values.
///
/// # Errors
/// When the file is there and cannot be read.
pub fn kept(root: &Path) -> Result<Option<Account>> {
    let path = root.join(FILE);
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        read => read.with_context(|| format!("reading {}", path.display()))?,
    };
    let mut variables: Vec<String> =
        text.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name.to_owned()).collect();
    variables.retain(|name| !name.starts_with("MAZET_"));
    let provider = text.lines().find_map(|line| line.strip_prefix("MAZET_DNS_PROVIDER="));
    Ok(Some(Account { provider: provider.unwrap_or_default().to_owned(), variables }))
}

/// `text` without the secrets of our own environment: an error of a provider may hold one in an address.
pub fn hidden(text: &str) -> String {
    let names = std::env::var(NAMES).unwrap_or_default();
    let values = names.split_whitespace().filter_map(|name| std::env::var(name).ok());
    without(text, values)
}

fn without(text: &str, secrets: impl Iterator<Item = String>) -> String {
    let mut text = text.to_owned();
    for secret in secrets.filter(|secret| !secret.is_empty()) {
        text = text.replace(&secret, HIDDEN);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use mazet_model::manifest::DnsVariable;

    use super::*;

    fn provider() -> DnsProvider {
        let variable = |name: &str, secret, required| DnsVariable { name: name.to_owned(), secret, required };
        DnsProvider {
            name: "somebody".to_owned(),
            title: "Somebody".to_owned(),
            variables: vec![variable("SOME_TOKEN", true, true), variable("SOME_ZONE", false, false)],
        }
    }

    fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_opens_an_account_is_kept_for_root_alone_and_never_told() {
        let root = tempfile::tempdir().expect("temporary folder");
        fs::create_dir_all(root.path().join("srv/mazet/secrets")).expect("made");
        assert_eq!(kept(root.path()).expect("looked"), None);
        let token = "a\"b\\c$d`e f";
        keep(root.path(), &provider(), &values(&[("SOME_TOKEN", token), ("SOME_ZONE", "")])).expect("kept");
        let path = root.path().join(FILE);
        assert_eq!(fs::metadata(&path).expect("metadata").permissions().mode() & 0o777, 0o600);
        let text = fs::read_to_string(path).expect("read");
        assert_eq!(
            text,
            "MAZET_DNS_PROVIDER=somebody\nSOME_TOKEN=\"a\\\"b\\\\c\\$d\\`e f\"\nMAZET_SECRETS=\"SOME_TOKEN\"\n"
        );
        let told = kept(root.path()).expect("looked");
        let account = Account { provider: "somebody".to_owned(), variables: vec!["SOME_TOKEN".to_owned()] };
        assert_eq!(told, Some(account));
    }

    #[test]
    fn what_cannot_be_kept_is_refused_without_telling_it() {
        let root = tempfile::tempdir().expect("temporary folder");
        for (pairs, fault) in [
            (vec![("SOME_ZONE", "x")], "SOME_TOKEN is missing"),
            (
                vec![("SOME_TOKEN", "s3cret\nLD_PRELOAD=x")],
                "SOME_TOKEN is too long, or holds what cannot be seen",
            ),
            (vec![("SOME_TOKEN", "s3cret"), ("LD_PRELOAD", "x")], "somebody has no variable \"LD_PRELOAD\""),
        ] {
            let error = keep(root.path(), &provider(), &values(&pairs)).expect_err("refused").to_string();
            assert_eq!(error, fault);
        }
        assert!(!root.path().join(FILE).exists());
    }

    #[test]
    fn a_secret_in_an_answer_is_not_passed_on() {
        let said = "Get \"https://dns.example/?token=s3cret&x=1\": 401";
        let shown = without(said, ["s3cret".to_owned(), String::new()].into_iter());
        assert_eq!(shown, "Get \"https://dns.example/?token=…&x=1\": 401");
    }
}
