//! Time to the first page beside a bare Debian, memory in use.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use mazet_boot::disk::Disk;
use mazet_boot::firmware::Firmware;
use mazet_boot::watch::Goal;
use serde::Serialize;

use crate::inside;
use crate::lab::{Bench, Lab};

/// What is measured.
#[derive(Debug, Clone, Args)]
pub struct Arguments {
    /// An image of a bare Debian with nginx, made the same way: the yardstick.
    #[arg(long, value_name = "FILE")]
    pub bare: Option<PathBuf>,
    /// The disk (qcow2) of an installed box.
    #[arg(long, value_name = "FILE")]
    pub installed: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// One measured boot.
#[derive(Debug, Serialize)]
struct Figure {
    /// What was booted.
    name: &'static str,
    /// From QEMU's start to the first answered page, in seconds.
    seconds: f64,
    /// Memory in use when everything is started, in MiB.
    memory_mib: u64,
}

/// Boots each system in turn, alone on the machine, and prints the figures.
pub fn run(lab: &Lab, arguments: &Arguments) -> Result<()> {
    let bench = lab.bench("bench")?;
    let mut figures = vec![measure(&bench, "live", bench.stick("live.qcow2")?, &Goal::wizard())?];
    if let Some(bare) = &arguments.bare {
        let goal = Goal { name: "nginx".to_owned(), port: 80, path: "/".to_owned() };
        figures.push(measure(&bench, "bare", bench.stick_of(bare, "bare.qcow2")?, &goal)?);
    }
    if let Some(installed) = &arguments.installed {
        let disk = bench.copy_of(installed, "INSTALLED", "installed.qcow2")?;
        figures.push(measure(&bench, "installed", disk, &Goal::home())?);
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&figures)?);
    } else {
        print!("{}", table(&figures));
    }
    Ok(())
}

fn measure(bench: &Bench, name: &'static str, disk: Disk, goal: &Goal) -> Result<Figure> {
    let machine = bench.machine(name, Firmware::Bios).disk(disk);
    let qemu = mazet_boot::Qemu::start(&machine, &bench.lab.tools)?;
    let verdict = mazet_boot::watch::watch(&qemu, &machine, goal, crate::lab::BOOT);
    anyhow::ensure!(verdict.reached(), "{verdict}");
    inside::no_unit_failed(&qemu)?;
    let memory_mib = inside::memory_in_use(&qemu).context("measuring memory")?;
    Ok(Figure { name, seconds: verdict.time.as_secs_f64(), memory_mib })
}

fn table(figures: &[Figure]) -> String {
    let row = |figure: &Figure| {
        format!(
            "{:<10} {:>6.0} s to the first page {:>6} MiB in use\n",
            figure.name, figure.seconds, figure.memory_mib
        )
    };
    let mut text: String = figures.iter().map(row).collect();
    let seconds = |name: &str| figures.iter().find(|figure| figure.name == name).map(|figure| figure.seconds);
    if let (Some(live), Some(bare)) = (seconds("live"), seconds("bare")) {
        text.push_str(&format!(
            "the wizard takes {:.2} times as long as a bare Debian with nginx\n",
            live / bare
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_yardstick_gives_a_ratio() {
        let figure = |name, seconds| Figure { name, seconds, memory_mib: 200 };
        insta::assert_snapshot!(table(&[figure("live", 60.0), figure("bare", 48.0)]), @r"
        live           60 s to the first page    200 MiB in use
        bare           48 s to the first page    200 MiB in use
        the wizard takes 1.25 times as long as a bare Debian with nginx
        ");
    }
}
