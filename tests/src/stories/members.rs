//! One login for everybody: the operator, a manager, a member, and what each sees.

use anyhow::{Context, Result, ensure};

use crate::browser::{Browser, ENGLISH_DESKTOP, FRENCH_PHONE};
use crate::lab::Bench;
use crate::members::{self, Account, NEXT};
use crate::stories::{install, machine};
use crate::visitor::{Visitor, csrf};

/// The second organisation of the box.
const SECOND: &str = "Les Randonneurs";
const MANAGER: Account = Account { login: "max", password: "sentier boussole 58 genepi cairn" };
const MEMBER: Account = Account { login: "zoe", password: "girofle cabestan 38 pervenche ilot" };

/// Everything of it, on the disk that the French installation left.
pub fn live_together(bench: &Bench) -> Result<()> {
    let qemu = install::running(bench, "members")?;
    let base = format!("https://127.0.0.1:{}", qemu.port(443)?);
    let desk = walk(bench, &base, members::OPERATOR)?;
    machine::changes(&desk, &base)?;
    let visitor = Visitor::new(&bench.lab, &qemu, &bench.path("guesser"))?;
    guesses_are_limited(&visitor, MEMBER.login)
}

/// The story itself, on any box at `base` that nobody has signed in to yet. Gives a browser that the
/// operator is signed in with.
pub fn walk(bench: &Bench, base: &str, operator: Account) -> Result<Browser> {
    let desk = Browser::open(bench, ENGLISH_DESKTOP)?;
    members::sign_in(&desk, base, operator)?;
    let (secret, used) = members::set_up(bench, &desk, "en")?;
    desk.page_is_well("home-operator", "en")?;
    members::add_organisation(&desk, base, SECOND, "rando.example.org")?;
    let manager = members::invite(&desk, base, SECOND, ("Max Roche", MANAGER.login), true)?;
    desk.page_is_well("slip", "en")?;
    let phone = Browser::open(bench, FRENCH_PHONE)?;
    members::accept(&phone, base, &manager, MANAGER.password, "fr")?;
    members::sign_in(&phone, base, MANAGER)?;
    phone.wait_for("//ul[@id='yours']")?;
    phone.page_is_well("home-manager", "fr")?;
    let member = members::invite(&phone, base, SECOND, ("Zoé Martin", MEMBER.login), false)?;
    phone.page_is_well("slip-phone", "fr")?;
    members::sees_people(&phone, base, &[MANAGER.login, MEMBER.login], true)?;
    phone.page_is_well("people-phone", "fr")?;
    members::sees_people(&desk, base, &[operator.login, MANAGER.login, MEMBER.login], false)?;
    a_member_sees_no_management(bench, base, &member)?;
    let desk = signs_in_with_the_second_factor(bench, base, operator, (&secret, &used))?;
    signs_out_everywhere(&phone, base)?;
    Ok(desk)
}

fn a_member_sees_no_management(bench: &Bench, base: &str, slip: &members::Slip) -> Result<()> {
    let browser = Browser::open(bench, FRENCH_PHONE)?;
    members::accept(&browser, base, slip, MEMBER.password, "fr")?;
    members::sign_in(&browser, base, MEMBER)?;
    browser.wait_for("//ul[@id='yours']")?;
    browser.page_is_well("home-member", "fr")?;
    ensure!(browser.count("#manage, #nav-people")? == 0, "a member is shown what managers do");
    Ok(())
}

fn signs_in_with_the_second_factor(
    bench: &Bench,
    base: &str,
    operator: Account,
    (secret, used): (&str, &str),
) -> Result<Browser> {
    let browser = Browser::open(bench, ENGLISH_DESKTOP)?;
    members::sign_in(&browser, base, operator)?;
    browser.wait_for("//form[@id='second-form']")?;
    browser.page_is_well("second", "en")?;
    let code = members::digits(bench, secret, used)?;
    browser.fill("//input[@id='code']", &code)?;
    browser.click(NEXT)?;
    browser.wait_for("//ul[@id='manage']").context("the code of the authenticator does not open the box")?;
    Ok(browser)
}

fn signs_out_everywhere(phone: &Browser, base: &str) -> Result<()> {
    phone.go(&format!("{base}/account/devices"))?;
    phone.page_is_well("devices-phone", "fr")?;
    phone.click("//button[@id='everywhere']")?;
    phone.wait_for("//a[@id='sign-in']")?;
    phone.go(&format!("{base}/people"))?;
    phone.wait_for("//form[@id='sign-in-form']").context("a session outlived signing out everywhere")
}

/// A guesser is told to wait, and for how long.
fn guesses_are_limited(visitor: &Visitor, login: &str) -> Result<()> {
    for _ in 0..15 {
        let token = csrf(&visitor.get("/sign-in")?.body)?;
        let fields =
            [("csrf", token.as_str()), ("login", login), ("password", "guess after guess after guess")];
        let reply = visitor.post("/sign-in", &fields)?;
        if reply.status == 429 {
            let waits = reply.headers.to_lowercase().contains("\r\nretry-after: ");
            ensure!(waits, "no Retry-After: {}", reply.headers);
            return Ok(());
        }
        ensure!(reply.status == 422, "a wrong password is answered {}", reply.status);
    }
    anyhow::bail!("fifteen wrong passwords, and no limit")
}
