//! Which units run, and which are told of new files.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use mazet_model::manifest::{Manifest, Unit};
use mazet_model::settings::Settings;

use super::Options;
use super::change::Change;
use super::render::Rendered;
use crate::run::{Program, Runner};
use crate::system::below;
use crate::tls;

/// Folders of unit files: a change there needs a daemon-reload.
const UNIT_FOLDERS: [&str; 3] = ["/etc/systemd/system/", "/usr/lib/systemd/system/", "/etc/systemd/network/"];
/// What `systemctl is-enabled` says of units that can be neither enabled nor disabled.
const FIXED: [&str; 6] = ["static", "generated", "transient", "masked", "alias", "indirect"];

/// What will be asked of systemd, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Root of a tree that does not run; none: the running system.
    root: Option<String>,
    daemon_reload: bool,
    enable: Vec<String>,
    disable: Vec<String>,
    reload: Vec<String>,
    restart: Vec<String>,
}

/// Compares what is enabled with what the settings want, and collects who is told of `changes`.
///
/// # Errors
/// When systemd cannot be asked.
pub fn plan(
    options: &Options,
    runner: &Runner,
    settings: &Settings,
    services: &[Manifest],
    changes: &[Change],
) -> Result<Plan> {
    let mut plan = Plan { root: super::tree(options), ..Plan::default() };
    let all: Vec<(&Unit, bool)> = services
        .iter()
        .flat_map(|manifest| manifest.units.iter().map(|unit| (unit, settings.is_on(manifest))))
        .collect();
    let names: Vec<&str> = all.iter().map(|(unit, _)| unit.name.as_str()).collect();
    for ((unit, on), state) in all.into_iter().zip(plan.states(runner, &names)?) {
        plan.enablement(unit, on, &state, settings);
    }
    if options.running() {
        plan.tell(changes);
    }
    Ok(plan)
}

/// Reloads every unit that a file naming the certificate belongs to.
///
/// # Errors
/// When a unit cannot be reloaded.
pub fn reload_for_certificate(runner: &Runner, rendering: &[Rendered]) -> Result<Vec<String>> {
    let mut plan = Plan::default();
    for rendered in rendering.iter().filter(|rendered| rendered.content.contains(tls::FOLDER)) {
        add(&mut plan.reload, &rendered.reload);
        add(&mut plan.restart, &rendered.restart);
    }
    plan.tell_units(runner)?;
    Ok(plan.describe())
}

/// Units that are started with others, in the tree at `root`: systemd's own links tell.
///
/// # Errors
/// When a folder cannot be read.
pub fn enabled(root: &Path) -> Result<Vec<String>> {
    let folder = below(root, UNIT_FOLDERS[0]);
    let mut units = Vec::new();
    for folder in names(&folder)?.iter().filter(|name| name.ends_with(".wants")).map(|name| folder.join(name))
    {
        units.extend(names(&folder)?);
    }
    Ok(units)
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("reading {}", folder.display()))?,
    };
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    names.collect::<std::io::Result<_>>().with_context(|| format!("reading {}", folder.display()))
}

impl Plan {
    /// The same, and these units go.
    pub fn without(mut self, units: &[String]) -> Self {
        add(&mut self.disable, units);
        self.reload.retain(|unit| !units.contains(unit));
        self.restart.retain(|unit| !units.contains(unit));
        self
    }

    /// What is asked, one line each.
    pub fn describe(&self) -> Vec<String> {
        let line = |verb: &'static str| move |unit: &String| format!("{verb} {unit}");
        let mut lines: Vec<String> = self.enable.iter().map(line("enable")).collect();
        lines.extend(self.disable.iter().map(line("disable")));
        lines.extend(self.reload.iter().map(line("reload")));
        lines.extend(self.restart.iter().map(line("restart")));
        lines
    }

    /// Asks systemd for all of it.
    ///
    /// # Errors
    /// The first refusal.
    pub fn carry_out(&self, runner: &Runner) -> Result<()> {
        if self.daemon_reload {
            runner.run(Program::Systemctl, &["daemon-reload"])?;
        }
        self.switch(runner, "disable", &self.disable)?;
        self.switch(runner, "enable", &self.enable)?;
        self.tell_units(runner)
    }

    /// Undoes it, once the old files are back. Every unit is tried; the first refusal is reported.
    ///
    /// # Errors
    /// When a unit does not even accept the old files.
    pub fn go_back(&self, runner: &Runner) -> Result<()> {
        let mut steps = Vec::new();
        if self.daemon_reload {
            steps.push(runner.run(Program::Systemctl, &["daemon-reload"]).map(drop));
        }
        steps.push(self.switch(runner, "disable", &self.enable));
        if self.root.is_none() {
            // A unit that did not start is no failure of the box once it is not wanted any more. One that
            // systemd has forgotten already needs nothing: what it says of that does not matter.
            for unit in &self.enable {
                steps.push(runner.said(Program::Systemctl, &["reset-failed", unit]).map(drop));
            }
        }
        steps.push(self.switch(runner, "enable", &self.disable));
        steps.push(self.tell_units(runner));
        steps.into_iter().collect()
    }

    fn enablement(&mut self, unit: &Unit, on: bool, state: &str, settings: &Settings) {
        let condition = unit.when.as_deref().is_none_or(|path| settings.boolean(path) == Some(true));
        let wanted = on && unit.enable && condition;
        if FIXED.contains(&state) {
            return;
        }
        match (wanted, state.starts_with("enabled")) {
            (true, false) => self.enable.push(unit.name.clone()),
            (false, true) => self.disable.push(unit.name.clone()),
            _ => {}
        }
    }

    /// The word that `systemctl is-enabled` prints of each unit; it exits with 1 for all but enabled units. All are
    /// asked for at once: a box has a hundred.
    fn states(&self, runner: &Runner, units: &[&str]) -> Result<Vec<String>> {
        let ask = |units: &[&str]| {
            let mut arguments = self.in_root();
            arguments.push("is-enabled".to_owned());
            arguments.extend(units.iter().map(|unit| (*unit).to_owned()));
            runner.said(Program::Systemctl, &arguments)
        };
        if units.is_empty() {
            return Ok(Vec::new());
        }
        let said = ask(units)?;
        let words: Vec<String> = said.lines().map(|line| line.trim().to_owned()).collect();
        if words.len() == units.len() {
            return Ok(words);
        }
        // One that systemd does not know ends its list.
        units.iter().map(|unit| Ok(ask(&[unit])?.trim().to_owned())).collect()
    }

    fn tell(&mut self, changes: &[Change]) {
        for change in changes {
            self.daemon_reload |= UNIT_FOLDERS.iter().any(|folder| change.target.starts_with(folder));
            add(&mut self.reload, &change.reload);
            add(&mut self.restart, &change.restart);
        }
        // Who is restarted, or just started, reads the new file in any case.
        let told = [&self.restart[..], &self.enable, &self.disable].concat();
        self.reload.retain(|unit| !told.contains(unit));
        let started = [&self.enable[..], &self.disable].concat();
        self.restart.retain(|unit| !started.contains(unit));
    }

    fn tell_units(&self, runner: &Runner) -> Result<()> {
        for (verb, units) in [("try-reload-or-restart", &self.reload), ("try-restart", &self.restart)] {
            for unit in units {
                runner.run(Program::Systemctl, &[verb, unit])?;
            }
        }
        Ok(())
    }

    fn switch(&self, runner: &Runner, verb: &str, units: &[String]) -> Result<()> {
        for unit in units {
            let mut arguments = self.in_root();
            arguments.push(verb.to_owned());
            if self.root.is_none() {
                arguments.push("--now".to_owned());
            }
            arguments.push(unit.clone());
            runner.run(Program::Systemctl, &arguments)?;
        }
        Ok(())
    }

    fn in_root(&self) -> Vec<String> {
        self.root.iter().map(|root| format!("--root={root}")).collect()
    }
}

fn add(units: &mut Vec<String>, more: &[String]) {
    for unit in more {
        if !units.contains(unit) {
            units.push(unit.clone());
        }
    }
}
