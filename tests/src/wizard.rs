//! The wizard's steps as a volunteer walks them.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use mazet_boot::Qemu;

use crate::browser::Browser;
use crate::console;

/// An emulated machine unpacks the system to its disk slowly.
pub const INSTALLATION: Duration = Duration::from_secs(3600);

/// It looks slowly at a place with backups, too.
const LOOK: Duration = Duration::from_secs(900);

/// What the volunteer answers.
#[derive(Debug, Clone, Copy)]
pub struct Answers {
    /// `fr` or `en`.
    pub language: &'static str,
    /// Association's name.
    pub organisation: &'static str,
    /// Box's name.
    pub box_name: &'static str,
    /// Operator's full name.
    pub operator: &'static str,
    /// Operator's login.
    pub login: &'static str,
    /// Operator's password.
    pub password: &'static str,
}

/// A French association with every trap of its language.
pub const FRENCH: Answers = Answers {
    language: "fr",
    organisation: "L’Œuvre d’été & Cie",
    box_name: "cabanon",
    operator: "Élise Dupré",
    login: "elise",
    password: "tuile lavande borie 47 cigale",
};

/// An English-speaking one.
pub const ENGLISH: Answers = Answers {
    language: "en",
    organisation: "Lavender & Stone Society",
    box_name: "cottage",
    operator: "Ada Byron",
    login: "ada",
    password: "quarry lantern 82 thistle harbour",
};

/// Reads the code from the console and opens the wizard, up to the first question.
pub fn claim(browser: &Browser, qemu: &Qemu, language: &str) -> Result<()> {
    // As people type it.
    let code = console::claim_code(qemu)?.to_lowercase().replace('-', " ");
    enter(browser, &format!("https://127.0.0.1:{}/", qemu.port(443)?), &code, language)
}

/// Opens the wizard as the picture that `mazet flash` prints leads to it: the code is behind the `#`,
/// and nothing is typed.
pub fn scan_picture(browser: &Browser, qemu: &Qemu, language: &str) -> Result<()> {
    follow(browser, &format!("https://127.0.0.1:{}/", qemu.port(443)?), &console::claim_code(qemu)?, language)
}

/// Follows the address in the picture.
pub fn follow(browser: &Browser, address: &str, code: &str, language: &str) -> Result<()> {
    browser.go(&format!("{address}#{code}"))?;
    browser.wait_for("//form[@id='claim-form']")?;
    let typed = browser.value_now("#code")?;
    ensure!(typed == code, "the field holds {typed:?} where the code of the picture was expected");
    let shown = browser.address()?;
    ensure!(!shown.contains('#'), "the code stays in the address: {shown}");
    browser.page_is_well("1-claim", language)?;
    browser.click("//button[@id='continue']")
}

/// Opens the wizard at `address` with a claim code.
pub fn enter(browser: &Browser, address: &str, code: &str, language: &str) -> Result<()> {
    browser.go(address)?;
    browser.wait_for("//form[@id='claim-form']")?;
    browser.page_is_well("1-claim", language)?;
    browser.fill("//input[@id='code']", code)?;
    browser.click("//button[@id='continue']")
}

/// Answers every question up to the summary, on the disks with these serial numbers.
pub fn answer(browser: &Browser, answers: &Answers, serials: &[&str]) -> Result<()> {
    let language = answers.language;
    let next = "//button[@id='continue']";
    browser.wait_for("//form[@id='language-form']")?;
    browser.click(&format!("//label[@for='language-{language}']"))?;
    browser.page_is_well("2-language", language)?;
    browser.click(next)?;
    browser.wait_for("//form[@id='start-form']")?;
    browser.page_is_well("3-start", language)?;
    browser.click(next)?;
    choose_disks(browser, serials)?;
    browser.page_is_well("4-disks", language)?;
    browser.click(next)?;
    browser.wait_for("//form[@id='association-form']")?;
    browser.fill("//input[@id='organisation']", answers.organisation)?;
    browser.fill("//input[@id='box_name']", answers.box_name)?;
    browser.page_is_well("5-association", language)?;
    browser.click(next)?;
    operator(browser, answers)?;
    browser.wait_for("//*[@id='answer-operator']")?;
    browser.page_is_well("7-summary", language)?;
    for (id, expected) in [("answer-association", answers.organisation), ("answer-operator", answers.login)] {
        let text = browser.text(&format!("//*[@id='{id}']"))?;
        ensure!(text.contains(expected), "the summary shows `{text}` where `{expected}` was answered");
    }
    Ok(())
}

/// Answers what is asked for the box `answers`, on the disk with this serial number, whose data stays; up to the summary.
pub fn keep(browser: &Browser, answers: &Answers, serial: &str) -> Result<()> {
    let language = answers.language;
    browser.wait_for("//form[@id='language-form']")?;
    browser.click(&format!("//label[@for='language-{language}']"))?;
    browser.click("//button[@id='continue']")?;
    browser.wait_for("//form[@id='start-form']")?;
    let own = format!("//label[contains(., '{}') and .//code[text()='{serial}']]", answers.box_name);
    browser.click(&own)?;
    browser.page_is_well("3-start-keep", language)?;
    browser.click("//button[@id='continue']")?;
    browser.wait_for("//button[@id='install']")?;
    browser.page_is_well("7-summary-keep", language)?;
    let text = browser.text("//*[@id='answer-start']")?;
    ensure!(text.contains(answers.organisation), "the summary shows `{text}`");
    Ok(())
}

/// Answers what is asked of who brings the box `answers` back, from the USB disk whose file system is called `label`, onto
/// the disk with this serial number; up to the summary. The key is mistyped at first.
pub fn restore(browser: &Browser, answers: &Answers, label: &str, key: &str, serial: &str) -> Result<()> {
    let (language, next) = (answers.language, "//button[@id='continue']");
    browser.wait_for("//form[@id='language-form']")?;
    browser.click(&format!("//label[@for='language-{language}']"))?;
    browser.click(next)?;
    browser.wait_for("//form[@id='start-form']")?;
    browser.click("//label[@for='purpose-restore']")?;
    browser.click(next)?;
    let volume = format!("//label[contains(@class,'choice') and .//span[.='{label}']]");
    let look = |key: &str| -> Result<()> {
        browser.wait_for("//form[@id='source-form']")?;
        browser.click(&volume)?;
        browser.fill("//input[@id='key']", key)?;
        browser.click("//button[@id='look']")
    };
    let (first, rest) = key.split_at(1);
    look(&format!("{}{rest}", if first == "2" { "3" } else { "2" }))?;
    browser.wait_long_for("//p[@id='place-fault' or @id='key-fault']", LOOK)?;
    browser.page_is_well("source-wrong-key", language)?;
    look(key)?;
    browser.wait_long_for("//form[@id='found'] | //p[@id='place-fault' or @id='key-fault']", LOOK)?;
    browser.page_is_well("source-found", language)?;
    let found = browser.text("//main")?;
    ensure!(browser.count("#found")? == 1 && found.contains(answers.box_name), "what was found: {found}");
    browser.click("//button[@id='take']")?;
    choose_disks(browser, &[serial])?;
    browser.page_is_well("4-disks-restore", language)?;
    browser.click(next)?;
    browser.wait_for("//button[@id='install']")?;
    browser.page_is_well("7-summary-restore", language)
}

fn choose_disks(browser: &Browser, serials: &[&str]) -> Result<()> {
    browser.wait_for("//form[@id='disks-form']")?;
    for serial in serials {
        let card = format!("//div[{}]", disk_card(serial));
        browser.click(&format!("{card}//label[contains(@class,'choice')]"))?;
        // One that holds something asks for its number.
        let field = format!("{card}//input[starts-with(@id,'serial-')]");
        if !browser.texts_at(&field)?.is_empty() {
            browser.fill(&field, serial)?;
        }
    }
    Ok(())
}

/// Sees that the disk `serial` asks for its serial number before it may be erased.
pub fn disk_wants_its_serial(browser: &Browser, serial: &str) -> Result<()> {
    browser.wait_for(&format!("//div[{}]//input[starts-with(@id,'serial-')]", disk_card(serial)))
}

fn disk_card(serial: &str) -> String {
    format!("starts-with(@class,'disk') and .//dd/code[text()='{serial}']")
}

fn operator(browser: &Browser, answers: &Answers) -> Result<()> {
    browser.wait_for("//form[@id='operator-form']")?;
    browser.fill("//input[@id='operator_name']", answers.operator)?;
    browser.fill("//input[@id='login']", answers.login)?;
    // A password that everybody tries is refused, and nothing typed is lost but it.
    browser.fill("//input[@id='password']", "motdepasse12")?;
    browser.fill("//input[@id='password_again']", "motdepasse12")?;
    browser.click("//button[@id='continue']")?;
    browser.wait_for("//*[@id='password-fault']")?;
    browser.page_is_well("6-operator-refused", answers.language)?;
    browser.fill("//input[@id='password']", answers.password)?;
    browser.fill("//input[@id='password_again']", answers.password)?;
    browser.click("//button[@id='continue']")
}

/// Begins the installation from the summary and waits for its progress page.
pub fn begin(browser: &Browser, language: &str) -> Result<()> {
    browser.click("//button[@id='install']")?;
    browser.wait_for("//*[@id='progress']")?;
    browser.page_is_well("8-progress", language)
}

/// Waits for the end of the installation and restarts the machine.
pub fn finish(browser: &Browser, language: &str) -> Result<()> {
    browser.wait_long_for("//*[@id='finished' or @id='failed']", INSTALLATION)?;
    if let Some(detail) = browser.text_now("#failed pre")? {
        bail!("the installation failed: {detail}");
    }
    browser.page_is_well("9-finished", language)?;
    browser.click("//button[@id='restart']")
}
