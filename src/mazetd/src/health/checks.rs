//! The checks that every box has, and those of its manifests.

use std::fs;
use std::path::Path;

use anyhow::{Result, anyhow, bail};
use mazet_model::manifest::{Check, Manifest};
use mazet_model::settings::Language;

use super::{Finding, page};
use crate::certificates::{self, State};
use crate::clock::Clock;
use crate::protocol::Mode;
use crate::run::{Program, Runner, check_command};
use crate::web::catalogue::Catalogue;
use crate::{boot_files, system, tls};

/// Less free space than this part (in percent) is a finding.
const FREE_PERCENT: u64 = 10;
/// Fewer days than this are a finding; `apply` renews long before.
const CERTIFICATE_DAYS: i64 = 30;

/// Everything, in the order in which a person would look.
pub fn all(runner: &Runner) -> Vec<Finding> {
    let mut findings = vec![finding("units", units(runner))];
    for path in ["/", "/srv"] {
        findings.push(finding("disk-space", space(path)));
    }
    findings.push(finding("clock", clock(Clock::now())));
    if system::mode() == Mode::Installed {
        findings.push(finding("certificate", certificate()));
        findings.extend(public_certificate(runner));
        findings.push(finding("disks", mirror(runner)));
        findings.push(finding("start", start()));
        findings.extend(of_services());
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

/// A box without the Internet lives by its own clock, and that is well as long as it has one
/// which is not plainly wrong.
fn clock(clock: Clock) -> Result<String> {
    match clock {
        Clock { synchronised: true, .. } => Ok("set by a time server".to_owned()),
        Clock { plausible: false, .. } => {
            bail!(
                "it is before the day that the system was made: set it in the firmware's set-up, or connect the box to the Internet"
            )
        }
        Clock { hardware: false, .. } => {
            bail!("not set by a time server since the start, and the machine has no clock of its own")
        }
        _ => Ok("the machine's own clock; no time server has answered yet".to_owned()),
    }
}

fn certificate() -> Result<String> {
    let days = tls::days_left(&Path::new(tls::FOLDER).join("cert.pem"))?;
    if days < CERTIFICATE_DAYS {
        bail!("ends in {days} days; \"mazetd apply\" makes a new one");
    }
    Ok(format!("valid for {days} days"))
}

/// The certificate for the box's public domains, where it has some.
fn public_certificate(runner: &Runner) -> Option<Finding> {
    let subject = "public-certificate";
    match certificates::state(Path::new("/"), runner) {
        Ok(state) if state.public.is_none() && state.outcome.is_none() => None,
        Ok(state) => Some(finding(subject, judged(&state))),
        Err(error) => Some(finding(subject, Err(error))),
    }
}

fn judged(state: &State) -> Result<String> {
    let shown = state.public.as_ref().ok_or_else(|| anyhow!("missing; \"mazetd apply\" makes it"))?;
    let days = shown.days_left.unwrap_or_default();
    if let Some(refused) = state.outcome.as_ref().and_then(|outcome| outcome.refused.as_ref()) {
        let reason = Catalogue::load()?.say(Language::En, refused.reason.key(), &[]);
        let in_force =
            if shown.own { "the box's own stays in force" } else { "the earlier one stays in force" };
        bail!("no new certificate: {reason} ({}); {in_force}, for {days} days", refused.detail);
    }
    // Those of other authorities may last a few days in all: they are renewed when two thirds are over.
    if days < 1 || (shown.own && days < CERTIFICATE_DAYS) {
        bail!("of {}: ends in {days} days", shown.issuer);
    }
    Ok(format!("of {}, valid for {days} days", shown.issuer))
}

/// What `mazetd boot-files` left: nothing, when all is well.
fn start() -> Result<String> {
    match fs::read_to_string(boot_files::FAILED) {
        Ok(reason) => bail!("{}", reason.trim()),
        Err(_) => Ok("the machine starts the box's own kernel".to_owned()),
    }
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
fn of_services() -> Vec<Finding> {
    let root = Path::new("/");
    let read = system::services(root).and_then(|services| Ok((services, system::settings(root)?)));
    let (services, settings) = match read {
        Ok(read) => read,
        Err(error) => return vec![finding("settings", Err(error))],
    };
    let on = services.iter().filter(|manifest| settings.is_on(manifest));
    on.flat_map(|manifest| manifest.checks.iter().map(move |check| of_service(manifest, check))).collect()
}

fn of_service(manifest: &Manifest, check: &Check) -> Finding {
    let subject = format!("{}/{}", manifest.service.name, check.name);
    let result = match (&check.url, &check.command) {
        (Some(path), None) => page(path),
        (None, Some(command)) => check_command(command).and_then(|failure| match failure {
            None => Ok("it works".to_owned()),
            Some(failure) => bail!("{failure}"),
        }),
        _ => Err(anyhow!("the manifest must give either a url or a command")),
    };
    finding(&subject, result)
}

fn page(path: &str) -> Result<String> {
    page::ask(page::PORT, path, &Path::new(tls::FOLDER).join(tls::AUTHORITY))?;
    Ok("the page answers".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acme::{Outcome, Reason, Refused};

    #[test]
    fn a_box_without_the_internet_lives_by_its_own_clock() {
        let verdict = |synchronised, hardware, plausible| {
            clock(Clock { synchronised, hardware, plausible }).map_err(|error| error.to_string())
        };
        assert!(verdict(true, false, true).is_ok());
        assert!(verdict(false, true, true).is_ok());
        assert!(verdict(false, true, false).is_err_and(|text| text.contains("before the day")));
        assert!(verdict(false, false, true).is_err_and(|text| text.contains("no clock of its own")));
    }

    #[test]
    fn a_refused_order_is_bad_and_says_why_and_what_is_in_force() {
        let shown = certificates::Shown {
            subject: "box.example.org".to_owned(),
            issuer: "Mazet, Mazet 12ab-34cd".to_owned(),
            own: true,
            names: vec!["box.example.org".to_owned()],
            days_left: Some(800),
            fingerprint: String::new(),
        };
        let mut state = State { public: Some(shown), ..State::default() };
        assert_eq!(judged(&state).expect("well"), "of Mazet, Mazet 12ab-34cd, valid for 800 days");
        state.outcome = Some(Outcome {
            wish: "1".to_owned(),
            at: 0,
            refused: Some(Refused { reason: Reason::Connection, detail: "timeout".to_owned() }),
        });
        let told = judged(&state).expect_err("not well").to_string();
        assert!(told.ends_with("(timeout); the box's own stays in force, for 800 days"), "{told}");
        assert!(told.contains("port 80"), "{told}");
    }

    #[test]
    fn only_counters_above_zero_are_errors() {
        let stats = "[/dev/sda3].write_io_errs    0\n[/dev/sda3].read_io_errs     2\n";
        assert_eq!(device_errors(stats), ["[/dev/sda3].read_io_errs 2"]);
        assert!(device_errors("").is_empty());
    }
}
