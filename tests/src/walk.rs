//! The wizard, or the members' pages, alone: on a site under development: no image, no boot.

use anyhow::Result;
use clap::Args;

use crate::browser::{Browser, ENGLISH_DESKTOP, FRENCH_PHONE};
use crate::lab::Lab;
use crate::members::Account;
use crate::stories;
use crate::wizard::{self, ENGLISH, FRENCH};

/// Where the wizard is, and what to choose in it.
#[derive(Debug, Clone, Args)]
pub struct Arguments {
    /// Its address: `https://127.0.0.1:8443/`.
    #[arg(long, value_name = "URL")]
    pub url: String,
    /// Its claim code.
    #[arg(long, value_name = "CODE")]
    pub code: String,
    /// Serial number of a disk to choose; twice for a mirror.
    #[arg(long, value_name = "SERIAL", required = true)]
    pub disk: Vec<String>,
    /// In English on a desktop instead of in French on a phone.
    #[arg(long)]
    pub english: bool,
}

/// Walks from the claim page to the last one.
pub fn run(lab: &Lab, arguments: &Arguments) -> Result<()> {
    let (screen, answers) =
        if arguments.english { (ENGLISH_DESKTOP, ENGLISH) } else { (FRENCH_PHONE, FRENCH) };
    let bench = lab.bench(if arguments.english { "walk-english" } else { "walk-french" })?;
    let browser = Browser::open(&bench, screen)?;
    let serials: Vec<&str> = arguments.disk.iter().map(String::as_str).collect();
    let open = if arguments.english { wizard::follow } else { wizard::enter };
    open(&browser, &arguments.url, &arguments.code, answers.language)?;
    wizard::answer(&browser, &answers, &serials)?;
    wizard::begin(&browser, answers.language)?;
    wizard::finish(&browser, answers.language)
}

/// Where the installed box is, and who answers for it.
#[derive(Debug, Clone, Args)]
pub struct Members {
    /// Its address, without a slash at the end: `https://127.0.0.1:8443`.
    #[arg(long, value_name = "URL")]
    pub url: String,
    /// The operator's login.
    #[arg(long, value_name = "LOGIN")]
    pub login: String,
    /// The operator's password, which is of a test alone.
    #[arg(long, value_name = "PASSWORD")]
    pub password: String,
}

impl Members {
    fn operator(&self) -> Account<'_> {
        Account { login: &self.login, password: &self.password }
    }
}

/// Walks through the pages of operator, manager and member.
pub fn members(lab: &Lab, arguments: &Members) -> Result<()> {
    let bench = lab.bench("walk-members")?;
    stories::members::walk(&bench, &arguments.url, arguments.operator()).map(drop)
}

/// Walks through every page without a pointer.
pub fn everybody(lab: &Lab, arguments: &Members) -> Result<()> {
    stories::everybody::walk(&lab.bench("walk-everybody")?, &arguments.url, arguments.operator())
}
