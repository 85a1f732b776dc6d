//! The checks that every box has, and those of its manifests.

use std::fs;
use std::path::Path;

use anyhow::{Result, anyhow};
use mazet_model::manifest::{Check, Manifest};

use super::{Finding, TOLD, page};
use crate::certificates::{self, State};
use crate::clock::Clock;
use crate::protocol::Mode;
use crate::run::{Program, Runner, of_manifest};
use crate::updates::night::{Kept, list};
use crate::{boot_files, system, tls};

/// Less free space than this part (in percent) is a finding.
const FREE_PERCENT: u64 = 10;
/// Fewer days than this are a finding; `apply` renews long before.
const CERTIFICATE_DAYS: i64 = 30;

/// What was found: well or not, the catalogue's key below `health.`, what goes into its sentence.
#[derive(Debug, PartialEq, Eq)]
struct Verdict {
    ok: bool,
    key: &'static str,
    values: Vec<(&'static str, String)>,
}

fn good(key: &'static str, values: Vec<(&'static str, String)>) -> Verdict {
    Verdict { ok: true, key, values }
}

fn bad(key: &'static str, values: Vec<(&'static str, String)>) -> Verdict {
    Verdict { ok: false, key, values }
}

/// Everything, in the order in which a person would look.
pub fn all(runner: &Runner) -> Vec<Finding> {
    let mut findings = vec![finding("units", units(runner))];
    for path in ["/", "/srv"] {
        findings.push(finding("disk-space", space(path)));
    }
    findings.push(finding("clock", Ok(clock(Clock::now()))));
    if system::mode() == Mode::Installed {
        findings.push(finding("certificate", certificate()));
        findings.extend(public_certificate(runner));
        findings.push(finding("disks", mirror(runner)));
        findings.push(finding("start", Ok(start())));
        findings.push(finding("updates", Kept::read(Path::new("/")).map(|kept| updates(&kept))));
        findings.extend(of_services());
    }
    findings
}

/// A check that could not be made is a bad finding, too.
fn finding(subject: &str, result: Result<Verdict>) -> Finding {
    let verdict = result.unwrap_or_else(|error| bad("unknown", vec![("error", format!("{error:#}"))]));
    Finding {
        subject: subject.to_owned(),
        title: None,
        ok: verdict.ok,
        key: verdict.key.to_owned(),
        values: verdict.values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
    }
}

fn units(runner: &Runner) -> Result<Verdict> {
    let arguments = ["list-units", "--failed", "--plain", "--no-legend", "--no-pager"];
    let said = runner.run(Program::Systemctl, &arguments)?;
    let failed: Vec<&str> = said.lines().filter_map(|line| line.split_whitespace().next()).collect();
    if !failed.is_empty() {
        return Ok(bad("units_failed", vec![("units", failed.join(", "))]));
    }
    Ok(good("units_well", Vec::new()))
}

fn space(path: &str) -> Result<Verdict> {
    let stat = rustix::fs::statvfs(path)?;
    let free = stat.f_bavail.saturating_mul(100) / stat.f_blocks.max(1);
    let gigabytes = stat.f_bavail.saturating_mul(stat.f_frsize) / 1_000_000_000;
    let mut values =
        vec![("path", path.to_owned()), ("free", free.to_string()), ("gigabytes", gigabytes.to_string())];
    if free < FREE_PERCENT {
        values.push(("least", FREE_PERCENT.to_string()));
        return Ok(bad("space_little", values));
    }
    Ok(good("space", values))
}

/// A box without the Internet lives by its own clock, and that is well as long as it has one
/// which is not plainly wrong.
fn clock(clock: Clock) -> Verdict {
    match clock {
        Clock { synchronised: true, .. } => good("clock_served", Vec::new()),
        Clock { plausible: false, .. } => bad("clock_past", Vec::new()),
        Clock { hardware: false, .. } => bad("clock_none", Vec::new()),
        _ => good("clock_own", Vec::new()),
    }
}

fn certificate() -> Result<Verdict> {
    let days = tls::days_left(&Path::new(tls::FOLDER).join("cert.pem"))?;
    let values = vec![("days", days.to_string())];
    Ok(if days < CERTIFICATE_DAYS {
        bad("certificate_ends", values)
    } else {
        good("certificate_valid", values)
    })
}

/// The certificate for the box's public domains, where it has some.
fn public_certificate(runner: &Runner) -> Option<Finding> {
    let subject = "public-certificate";
    match certificates::state(Path::new("/"), runner) {
        Ok(state) if state.public.is_none() && state.outcome.is_none() => None,
        Ok(state) => Some(finding(subject, Ok(judged(&state)))),
        Err(error) => Some(finding(subject, Err(error))),
    }
}

fn judged(state: &State) -> Verdict {
    let Some(shown) = &state.public else { return bad("public_missing", Vec::new()) };
    let days = shown.days_left.unwrap_or_default();
    let days_told = ("days", days.to_string());
    if let Some(refused) = state.outcome.as_ref().and_then(|outcome| outcome.refused.as_ref()) {
        let key = if shown.own { "public_refused_own" } else { "public_refused_earlier" };
        let told = (TOLD, refused.reason.key().to_owned());
        return bad(key, vec![told, ("detail", refused.detail.clone()), days_told]);
    }
    let values = vec![("issuer", shown.issuer.clone()), days_told];
    // Those of other authorities may last a few days in all: they are renewed when two thirds are over.
    if days < 1 || (shown.own && days < CERTIFICATE_DAYS) {
        return bad("public_ends", values);
    }
    good("public_valid", values)
}

/// What `mazetd boot-files` left: nothing, when all is well.
fn start() -> Verdict {
    match fs::read_to_string(boot_files::FAILED) {
        Ok(reason) => bad("start_failed", vec![("reason", reason.trim().to_owned())]),
        Err(_) => good("start_well", Vec::new()),
    }
}

fn mirror(runner: &Runner) -> Result<Verdict> {
    let shown = runner.run(Program::Btrfs, &["filesystem", "show", "/"])?;
    let devices = shown.lines().filter(|line| line.trim_start().starts_with("devid")).count();
    // One that was missing at the start is `<missing disk>`; one that was unplugged since has its path, and `MISSING`.
    if shown.to_lowercase().contains("missing") {
        return Ok(bad("disks_missing", Vec::new()));
    }
    let errors = device_errors(&runner.run(Program::Btrfs, &["device", "stats", "/"])?);
    if !errors.is_empty() {
        return Ok(bad("disks_errors", vec![("errors", errors.join(", "))]));
    }
    let count = vec![("count", devices.to_string())];
    Ok(if devices > 1 { good("disks_mirror", count) } else { good("disks_well", Vec::new()) })
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
    let (services, settings) = match system::filled(root) {
        Ok(read) => read,
        Err(error) => return vec![finding("settings", Err(error))],
    };
    let on = services.iter().filter(|manifest| settings.is_on(manifest));
    let checks = |manifest: &'_ Manifest| -> Vec<Finding> {
        let all = manifest.checks.iter().filter(|check| !check.before_updates);
        all.map(|check| of_service(manifest, check)).collect()
    };
    on.flat_map(checks).collect()
}

fn of_service(manifest: &Manifest, check: &Check) -> Finding {
    let subject = format!("{}/{}", manifest.service.name, check.name);
    let result = match (&check.url, &check.command) {
        (Some(path), None) => page(path),
        (None, Some(command)) => of_manifest(command).map(|failure| match failure {
            None => good("command_works", Vec::new()),
            Some(said) => bad("command_failed", vec![("said", said)]),
        }),
        _ => Err(anyhow!("the manifest must give either a url or a command")),
    };
    Finding { title: check.title.clone(), ..finding(&subject, result) }
}

/// Updates that wait for something, or did harm, are a finding: the box grows old.
fn updates(kept: &Kept) -> Verdict {
    match (&kept.undone, &kept.held) {
        (Some(undone), _) if undone.bad.is_empty() => {
            bad("updates_no_start", vec![("packages", list(&undone.packages))])
        }
        (Some(undone), _) => {
            bad("updates_undone", vec![("packages", list(&undone.packages)), ("bad", list(&undone.bad))])
        }
        (None, Some(held)) => bad("updates_held", vec![("said", held.said.clone())]),
        (None, None) => good("updates_well", Vec::new()),
    }
}

fn page(path: &str) -> Result<Verdict> {
    page::ask(page::PORT, path, &Path::new(tls::FOLDER).join(tls::AUTHORITY))?;
    Ok(good("page_answers", Vec::new()))
}

#[cfg(test)]
mod tests {
    use mazet_model::settings::Language;

    use super::*;
    use crate::acme::{Outcome, Reason, Refused};
    use crate::web::catalogue::Catalogue;

    #[test]
    fn a_box_without_the_internet_lives_by_its_own_clock() {
        let verdict = |synchronised, hardware, plausible| {
            let verdict = clock(Clock { synchronised, hardware, plausible });
            (verdict.ok, verdict.key)
        };
        assert_eq!(verdict(true, false, true), (true, "clock_served"));
        assert_eq!(verdict(false, true, true), (true, "clock_own"));
        assert_eq!(verdict(false, true, false), (false, "clock_past"));
        assert_eq!(verdict(false, false, true), (false, "clock_none"));
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
        let say = |state: &State, language| {
            let found = finding("public-certificate", Ok(judged(state)));
            (found.ok, found.sentence(Catalogue::shared(), language))
        };
        let mut state = State { public: Some(shown), ..State::default() };
        let (ok, told) = say(&state, Language::En);
        assert!(ok);
        assert_eq!(told, "Of Mazet, Mazet 12ab-34cd, valid for 800 days.");
        state.outcome = Some(Outcome {
            wish: "1".to_owned(),
            at: 0,
            refused: Some(Refused { reason: Reason::Connection, detail: "timeout".to_owned() }),
        });
        let (ok, told) = say(&state, Language::En);
        assert!(!ok);
        assert!(told.ends_with("(timeout) The box’s own stays in force, for 800 days."), "{told}");
        assert!(told.contains("port 80"), "{told}");
        let (_, told) = say(&state, Language::Fr);
        assert!(told.contains("le port 80. (timeout)"), "{told}");
    }

    #[test]
    fn a_certificate_that_is_missing_or_ends_is_bad() {
        let missing = judged(&State::default());
        assert_eq!((missing.ok, missing.key), (false, "public_missing"));
        let judge = |own, days_left| {
            let shown = certificates::Shown {
                subject: "box.example.org".to_owned(),
                issuer: "Example".to_owned(),
                own,
                names: Vec::new(),
                days_left,
                fingerprint: String::new(),
            };
            let verdict = judged(&State { public: Some(shown), ..State::default() });
            (verdict.ok, verdict.key)
        };
        assert_eq!(judge(true, Some(29)), (false, "public_ends"));
        assert_eq!(judge(false, Some(4)), (true, "public_valid"));
        assert_eq!(judge(false, Some(0)), (false, "public_ends"));
        assert_eq!(judge(false, None), (false, "public_ends"));
    }

    #[test]
    fn only_counters_above_zero_are_errors() {
        let stats = "[/dev/sda3].write_io_errs    0\n[/dev/sda3].read_io_errs     2\n";
        assert_eq!(device_errors(stats), ["[/dev/sda3].read_io_errs 2"]);
        assert!(device_errors("").is_empty());
    }
}
