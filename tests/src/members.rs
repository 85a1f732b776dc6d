//! What people do on the installed box's pages, as a browser's user does it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::browser::{Browser, Screen};
use crate::lab::Bench;
use crate::wizard::FRENCH;

/// The button that sends the form of a page.
pub const NEXT: &str = "//button[@id='continue']";

/// Somebody with an account.
#[derive(Debug, Clone, Copy)]
pub struct Account<'a> {
    /// Login name.
    pub login: &'a str,
    /// Password.
    pub password: &'a str,
}

/// Who answers for the box that the French installation made.
pub const OPERATOR: Account = Account { login: FRENCH.login, password: FRENCH.password };

/// The slip of paper that a page showed.
#[derive(Debug, Clone)]
pub struct Slip {
    /// The code, in groups.
    pub code: String,
}

/// Login and password on the sign-in page of the box at `base`.
pub fn sign_in(browser: &Browser, base: &str, account: Account) -> Result<()> {
    browser.go(&format!("{base}/sign-in"))?;
    browser.fill("//input[@id='login']", account.login)?;
    browser.fill("//input[@id='password']", account.password)?;
    browser.click(NEXT)
}

/// The six digits that an authenticator with the key `secret` shows now; waits for others than `used`.
pub fn digits(bench: &Bench, secret: &str, used: &str) -> Result<String> {
    let secret = secret.replace(' ', "");
    let begun = Instant::now();
    // A code lives for thirty seconds.
    while begun.elapsed() < Duration::from_secs(90) {
        let output = bench.lab.test_tree.output("oathtool", &["--totp", "--base32", &secret])?;
        let code = String::from_utf8(output)?.trim().to_owned();
        if code != used {
            return Ok(code);
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    bail!("oathtool gives the code {used} for more than a minute")
}

/// From the page that asks for it: sets up the second factor. Gives its key and the code that was used.
pub fn set_up(bench: &Bench, browser: &Browser, language: &str) -> Result<(String, String)> {
    browser.wait_for("//h1[@id='factor']")?;
    browser.page_is_well("factor", language)?;
    let secret = browser.text("//code[@id='secret']")?;
    let code = digits(bench, &secret, "")?;
    browser.fill("//input[@id='code']", &code)?;
    browser.click(NEXT)?;
    browser.wait_for("//ul[@id='codes']/li[10]")?;
    browser.page_is_well("recovery", language)?;
    browser.click("//a[@id='continue']")?;
    browser.wait_for("//ul[@id='yours']").context("the home page is not that of a member")?;
    Ok((secret, code))
}

/// A browser that the operator is signed in with, for the first time.
pub fn operator(bench: &Bench, base: &str, screen: Screen, language: &str) -> Result<Browser> {
    operator_with(Browser::open(bench, screen)?, bench, base, language)
}

/// The same, with this browser.
pub fn operator_with(browser: Browser, bench: &Bench, base: &str, language: &str) -> Result<Browser> {
    sign_in(&browser, base, OPERATOR)?;
    set_up(bench, &browser, language)?;
    Ok(browser)
}

/// Adds an organisation.
pub fn add_organisation(browser: &Browser, base: &str, name: &str, domain: &str) -> Result<()> {
    browser.go(&format!("{base}/organisations/new"))?;
    browser.fill("//input[@id='name']", name)?;
    browser.fill("//textarea[@id='domains']", domain)?;
    browser.click(NEXT)?;
    browser.wait_for("//p[@id='said']")
}

/// Adds somebody to the organisation with this name, a manager of it or not; gives their slip.
pub fn invite(
    browser: &Browser,
    base: &str,
    organisation: &str,
    (name, login): (&str, &str),
    manager: bool,
) -> Result<Slip> {
    browser.go(&format!("{base}/people/new"))?;
    browser.fill("//input[@id='name']", name)?;
    browser.fill("//input[@id='login']", login)?;
    browser.click(&format!("//select[@id='organisation']/option[text()='{organisation}']"))?;
    if manager {
        browser.click("//label[@for='roles-manager']")?;
    }
    browser.click(NEXT)?;
    browser.wait_for("//h1[@id='paper']")?;
    Ok(Slip { code: browser.text("//code[@id='code']")? })
}

/// Accepts an invitation as its QR code leads to it, and chooses a password.
pub fn accept(browser: &Browser, base: &str, slip: &Slip, password: &str, language: &str) -> Result<()> {
    let code = slip.code.replace('-', "");
    browser.go(&format!("{base}/welcome?code={code}"))?;
    browser.page_is_well("welcome", language)?;
    browser.click(NEXT)?;
    browser.wait_for("//h1[@id='choose']")?;
    browser.page_is_well("choose", language)?;
    browser.fill("//input[@id='password']", password)?;
    browser.fill("//input[@id='password_again']", password)?;
    browser.click(NEXT)?;
    browser.wait_for("//p[@id='said']")?;
    browser.wait_for("//form[@id='sign-in-form']")
}

/// Sees that the list of people holds these logins; `alone`: and no others.
pub fn sees_people(browser: &Browser, base: &str, logins: &[&str], alone: bool) -> Result<()> {
    browser.go(&format!("{base}/people"))?;
    browser.wait_for("//ul[@id='people']")?;
    let text = browser.text("//ul[@id='people']")?;
    let rows = browser.count("#people > li")?;
    ensure!(!alone || rows == logins.len(), "{rows} people are shown, not {logins:?}: {text}");
    for login in logins {
        ensure!(text.contains(login), "{login} is not shown: {text}");
    }
    Ok(())
}
