//! Every page is for everybody: on the narrowest screen, without a pointer, in both languages.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};

use crate::browser::{Browser, FRENCH_KEYBOARD};
use crate::lab::Bench;
use crate::members::{self, Account};
use crate::stories::install;

const MANAGER: Account = Account { login: "max", password: "hameau lanterne 27 bruyere seuil" };
/// A second organisation, so that lists have more than one line.
const SECOND: &str = "Les Randonneurs";
/// What each may not miss: a crawl that does not come here went astray.
const STRANGERS: &[&str] = &["/", "/sign-in", "/reset", "/authority/"];
const MANAGERS: &[&str] =
    &["/", "/people", "/people/new", "/people/import", "/groups", "/account", "/connect"];
const OPERATORS: &[&str] = &[
    "/",
    "/people",
    "/people/new",
    "/people/import",
    "/groups",
    "/organisations",
    "/organisations/new",
    "/events",
    "/account",
    "/account/password",
    "/account/devices",
    "/connect",
    "/machine",
    "/machine/settings",
    "/machine/services",
    "/machine/network",
    "/machine/sites",
    "/machine/mail",
    "/machine/certificates",
];

/// On the disk that the French installation left.
pub fn pages(bench: &Bench) -> Result<()> {
    let qemu = install::running(bench, "everybody")?;
    let base = format!("https://127.0.0.1:{}", qemu.port(443)?);
    walk(bench, &base, members::OPERATOR)
}

/// The story itself, on any box at `base` that nobody has signed in to yet.
pub fn walk(bench: &Bench, base: &str, operator: Account) -> Result<()> {
    let browser = Browser::open(bench, FRENCH_KEYBOARD)?;
    both_languages(&browser, base, "stranger", STRANGERS)?;
    members::sign_in(&browser, base, operator)?;
    members::set_up(bench, &browser, "fr")?;
    members::add_organisation(&browser, base, SECOND, "rando.example.org")?;
    let slip = members::invite(&browser, base, SECOND, ("Max Roche", MANAGER.login), true)?;
    browser.page_is_well("slip", "fr")?;
    both_languages(&browser, base, "operator", OPERATORS)?;
    let other = Browser::open(bench, FRENCH_KEYBOARD)?;
    members::accept(&other, base, &slip, MANAGER.password, "fr")?;
    members::sign_in(&other, base, MANAGER)?;
    other.wait_for("//ul[@id='yours']")?;
    both_languages(&other, base, "manager", MANAGERS)
}

fn both_languages(browser: &Browser, base: &str, who: &str, known: &[&str]) -> Result<()> {
    for language in ["en", "fr"] {
        browser.go(base)?;
        browser.click(&format!("//a[@id='lang-{language}']"))?;
        browser.wait_for(&format!("//html[@lang='{language}']"))?;
        let seen = crawl(browser, base, who, language).with_context(|| format!("{who}, {language}"))?;
        let missed: Vec<_> = known.iter().filter(|path| !seen.contains(**path)).collect();
        ensure!(missed.is_empty(), "no link leads the {who} to {missed:?}; seen: {seen:?}");
        eprintln!("  {who}, {language}: {} pages", seen.len());
    }
    Ok(())
}

/// Follows every link from the first page on, looks at each page once, and gives the shapes of the paths that it saw.
fn crawl(browser: &Browser, base: &str, who: &str, language: &str) -> Result<BTreeSet<String>> {
    let mut seen = BTreeSet::new();
    let mut ahead = vec!["/".to_owned()];
    while let Some(path) = ahead.pop() {
        if is_file(&path) || !seen.insert(shape(&path)) {
            continue;
        }
        browser.go(&format!("{base}{path}"))?;
        let name = format!("{who}{}-{language}", shape(&path).replace('/', "-"));
        browser.page_is_well(&name, language).with_context(|| path.clone())?;
        browser.keyboard_suffices(&name)?;
        ahead.extend(browser.links()?);
    }
    Ok(seen)
}

/// A path without its query, with `*` for what names one thing of many: one person's page stands for all.
fn shape(path: &str) -> String {
    let names_one = |part: &str| part.contains(|c: char| c.is_ascii_digit());
    let path = path.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path.split('/').map(|part| if names_one(part) { "*" } else { part }).collect();
    parts.join("/")
}

/// Is it something that a browser keeps instead of showing?
fn is_file(path: &str) -> bool {
    shape(path).rsplit('/').next().is_some_and(|last| last.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_page_of_many_stands_for_all() {
        assert_eq!(shape("/people/41/leave"), "/people/*/leave");
        assert_eq!(shape("/people/new?organisation=2"), "/people/new");
    }

    #[test]
    fn files_are_not_pages() {
        assert!(is_file("/authority/mazet.crt") && is_file("/api/openapi.json"));
        assert!(!is_file("/machine/mail") && !is_file("/"));
    }
}
