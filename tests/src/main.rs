//! End-to-end scenarios on a real image: real boots, real clients, a real browser.
//!
//! `mazet test` runs this program. It boots the image in QEMU, reads the claim code from
//! the serial console as a volunteer reads it from the screen, and uses the box through
//! Chromium and curl. Each scenario in [`stories`] reads like a story.
//!
//! | module | subject |
//! |---|---|
//! | [`lab`] | what every scenario is given: image, trees, a folder for what it leaves |
//! | [`scenario`] | the list |
//! | [`schedule`] | running several side by side, the table of results |
//! | [`console`] | what a person reads on the machine's screen |
//! | [`inside`] | looking at the running box through the hypervisor's shell |
//! | [`webdriver`], [`browser`], [`keyboard`] | headless Chromium, and a person without a pointer |
//! | [`visitor`] | foreign clients: curl |
//! | [`folk`] | people of the box, with curl |
//! | [`dav`] | a person's files, with curl |
//! | [`php`] | what the programs of a web site reach |
//! | [`by_http`] | the wizard walked with curl |
//! | [`wizard`] | the wizard's steps as a volunteer walks them |
//! | [`standin`] | services behind a front web server, where no box is booted |
//! | [`stories`] | the scenarios |
//! | [`walk`] | the wizard alone, on a site under development |
//! | [`bench`] | time to the first page beside a bare Debian, memory in use |

mod bench;
mod browser;
mod by_http;
mod console;
mod dav;
mod folk;
mod inside;
mod keyboard;
mod lab;
mod members;
mod php;
mod programs;
mod scenario;
mod schedule;
mod standin;
mod stories;
mod visitor;
mod walk;
mod webdriver;
mod wizard;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use mazet_boot::Runner;
use mazet_boot::kvm::{self, Preference};

use crate::lab::{Lab, Pi};

/// End-to-end scenarios on a real image.
#[derive(Debug, Parser)]
#[command(version)]
struct Program {
    /// The raw image.
    #[arg(long, value_name = "FILE")]
    image: PathBuf,
    /// One word of the command prefix that enters the tools tree (QEMU); again for each word.
    #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
    tools_prefix: Vec<String>,
    /// The raw image for Raspberry Pis.
    #[arg(long, value_name = "FILE", requires = "pi_tools_prefix")]
    pi_image: Option<PathBuf>,
    /// As --tools-prefix, for the tree with the QEMU of a Raspberry Pi.
    #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
    pi_tools_prefix: Vec<String>,
    /// The same for the test tree (Chromium, curl).
    #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
    test_tree_prefix: Vec<String>,
    /// The script of axe-core, which looks for what keeps people out of a page; browsers need it.
    #[arg(long, value_name = "FILE")]
    axe: Option<PathBuf>,
    /// Mazet's own program.
    #[arg(long, value_name = "FILE", default_value = "mazet")]
    mazet: PathBuf,
    /// Folder for logs, pictures and reports.
    #[arg(long, value_name = "DIR")]
    artefacts: PathBuf,
    /// What executes the guests.
    #[arg(long, value_enum, default_value = "auto")]
    accelerator: Preference,
    #[command(flatten)]
    selection: schedule::Selection,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists the scenarios instead of running them.
    List,
    /// Walks the wizard at an address instead, and keeps its pictures: for who works on its pages.
    Walk(walk::Arguments),
    /// The same with the pages of an installed box that nobody has signed in to yet.
    WalkMembers(walk::Members),
    /// The same, by somebody without a pointer who looks at every page.
    WalkEverybody(walk::Members),
    /// Measures boots and memory instead.
    Bench(bench::Arguments),
}

fn main() -> ExitCode {
    match run(&Program::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(3),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(program: &Program) -> anyhow::Result<bool> {
    match &program.command {
        None => schedule::run(&lab(program)?, &program.selection),
        Some(Command::Walk(arguments)) => walk::run(&lab(program)?, arguments).map(|()| true),
        Some(Command::WalkMembers(arguments)) => walk::members(&lab(program)?, arguments).map(|()| true),
        Some(Command::WalkEverybody(arguments)) => walk::everybody(&lab(program)?, arguments).map(|()| true),
        Some(Command::Bench(arguments)) => bench::run(&lab(program)?, arguments).map(|()| true),
        Some(Command::List) => {
            scenario::ALL.iter().for_each(|scenario| println!("{scenario}"));
            Ok(true)
        }
    }
}

fn lab(program: &Program) -> anyhow::Result<Lab> {
    std::fs::create_dir_all(&program.artefacts)
        .with_context(|| format!("making {}", program.artefacts.display()))?;
    let tools = Runner::new(program.tools_prefix.iter().map(String::as_str));
    let choice = kvm::choose(program.accelerator, &program.image, &tools, &program.artefacts)?;
    eprintln!("{}", choice.reason);
    let pi = program.pi_image.as_ref().map(|image| -> anyhow::Result<Pi> {
        Ok(Pi {
            image: image.canonicalize().context("opening the image for Raspberry Pis")?,
            tools: Runner::new(program.pi_tools_prefix.iter().map(String::as_str)),
        })
    });
    let axe = program.axe.as_ref().map(std::fs::read_to_string);
    Ok(Lab {
        pi: pi.transpose()?,
        image: program.image.canonicalize().context("opening the image")?,
        artefacts: program.artefacts.canonicalize().context("opening the folder of artefacts")?,
        mazet: program.mazet.clone(),
        tools,
        test_tree: Runner::new(program.test_tree_prefix.iter().map(String::as_str)),
        axe: axe.transpose().context("reading axe-core")?.map(Into::into),
        accelerator: choice.accelerator,
    })
}
