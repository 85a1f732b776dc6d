//! The checks that every box has, and those of its manifests.

use std::path::Path;

use anyhow::{Result, bail};
use mazet_model::manifest::{Check, Manifest};

use super::Finding;
use crate::protocol::Mode;
use crate::run::{Program, Runner, check_command};
use crate::{system, tls};

/// systemd-timesyncd makes this file when it has set the clock.
const CLOCK_SET: &str = "/run/systemd/timesync/synchronized";
/// Less free space than this part (in percent) is a finding.
const FREE_PERCENT: u64 = 10;
/// Fewer days than this are a finding; `apply` renews long before.
const CERTIFICATE_DAYS: i64 = 30;
/// Seconds that a page of the box may take.
const PAGE_SECONDS: &str = "10";

/// Everything, in the order in which a person would look.
pub fn all(runner: &Runner) -> Vec<Finding> {
    let mut findings = vec![finding("units", units(runner))];
    for path in ["/", "/srv"] {
        findings.push(finding("disk-space", space(path)));
    }
    findings.push(finding("clock", clock()));
    if system::mode() == Mode::Installed {
        findings.push(finding("certificate", certificate()));
        findings.push(finding("disks", mirror(runner)));
        findings.extend(of_services(runner));
    }
    findings
}

/// `Ok` is a good finding's sentence, an error is a bad one's.
fn finding(subject: &str, result: Result<String>) -> Finding {
    let (ok, detail) = match result {
        Ok(detail) => (true, detail),
        Err(error) => (false, format!("{error:#}")),
    };
    Finding { subject: subject.to_owned(), ok, detail }
}

fn units(runner: &Runner) -> Result<String> {
    let arguments = ["list-units", "--failed", "--plain", "--no-legend", "--no-pager"];
    let said = runner.run(Program::Systemctl, &arguments)?;
    let failed: Vec<&str> = said.lines().filter_map(|line| line.split_whitespace().next()).collect();
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok("no unit failed".to_owned())
}

fn space(path: &str) -> Result<String> {
    let stat = rustix::fs::statvfs(path)?;
    let free = stat.f_bavail.saturating_mul(100) / stat.f_blocks.max(1);
    let gigabytes = stat.f_bavail.saturating_mul(stat.f_frsize) / 1_000_000_000;
    let sentence = format!("{path} has {free} % free ({gigabytes} GB)");
    if free < FREE_PERCENT {
        bail!("{sentence}, less than {FREE_PERCENT} %");
    }
    Ok(sentence)
}

fn clock() -> Result<String> {
    if !Path::new(CLOCK_SET).exists() {
        bail!("not set by a time server since the start");
    }
    Ok("set by a time server".to_owned())
}

fn certificate() -> Result<String> {
    let days = tls::days_left(&Path::new(tls::FOLDER).join("cert.pem"))?;
    if days < CERTIFICATE_DAYS {
        bail!("ends in {days} days; \"mazetd apply\" makes a new one");
    }
    Ok(format!("valid for {days} days"))
}

fn mirror(runner: &Runner) -> Result<String> {
    let shown = runner.run(Program::Btrfs, &["filesystem", "show", "/"])?;
    let devices = shown.lines().filter(|line| line.trim_start().starts_with("devid")).count();
    if shown.contains("missing") {
        bail!("a disk of the mirror is missing");
    }
    let errors = device_errors(&runner.run(Program::Btrfs, &["device", "stats", "/"])?);
    if !errors.is_empty() {
        bail!("errors were counted: {}", errors.join(", "));
    }
    Ok(if devices > 1 { format!("{devices} disks, no error") } else { "no error".to_owned() })
}

/// Counters of `btrfs device stats` that are not 0: `[/dev/sda3].write_io_errs 2`.
fn device_errors(stats: &str) -> Vec<String> {
    let counted = |line: &&str| line.split_whitespace().nth(1).is_some_and(|count| count != "0");
    let shown = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    stats.lines().filter(counted).map(shown).collect()
}

/// The checks of every service that is on.
fn of_services(runner: &Runner) -> Vec<Finding> {
    let root = Path::new("/");
    let read = system::services(root).and_then(|services| Ok((services, system::settings(root)?)));
    let (services, settings) = match read {
        Ok(read) => read,
        Err(error) => return vec![finding("settings", Err(error))],
    };
    let on = services.iter().filter(|manifest| settings.is_on(manifest));
    on.flat_map(|manifest| manifest.checks.iter().map(move |check| of_service(runner, manifest, check)))
        .collect()
}

fn of_service(runner: &Runner, manifest: &Manifest, check: &Check) -> Finding {
    let subject = format!("{}/{}", manifest.service.name, check.name);
    let result = match (&check.url, &check.command) {
        (Some(path), None) => page(runner, path),
        (None, Some(command)) => check_command(command).and_then(|failure| match failure {
            None => Ok("it works".to_owned()),
            Some(failure) => bail!("{failure}"),
        }),
        _ => bail_check(),
    };
    finding(&subject, result)
}

fn bail_check() -> Result<String> {
    bail!("the manifest must give either a url or a command")
}

/// Asks a page of the box as a visitor would, trusting its own certificate alone.
fn page(runner: &Runner, path: &str) -> Result<String> {
    let authority = format!("{}/cert.pem", tls::FOLDER);
    let url = format!("https://127.0.0.1{path}");
    let arguments = [
        "--silent",
        "--show-error",
        "--fail",
        "--max-time",
        PAGE_SECONDS,
        "--noproxy",
        "*",
        "--cacert",
        &authority,
        "--output",
        "/dev/null",
        &url,
    ];
    runner.run(Program::Curl, &arguments)?;
    Ok("the page answers".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_counters_above_zero_are_errors() {
        let stats = "[/dev/sda3].write_io_errs    0\n[/dev/sda3].read_io_errs     2\n";
        assert_eq!(device_errors(stats), ["[/dev/sda3].read_io_errs 2"]);
        assert!(device_errors("").is_empty());
    }
}
