//! `mazetd alarm`: whoever answers for the box is told when it is not well, and when it is again.
//!
//! Run every half hour. On the screen: as long as something is not well. By e-mail, where the box sends any: once, when
//! it was so at two looks one after the other, and once more when all is well again. (The pages look for themselves.)

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};
use mazet_database::Place;
use mazet_directory::outbox::Queue;
use mazet_directory::{DATABASE, OWNER};
use serde::{Deserialize, Serialize};

use crate::health::{self, Report};
use crate::run::{Program, Runner};
use crate::web::catalogue::Catalogue;
use crate::web::letters::Writer;
use crate::{database, files, mail, system};

/// What was seen and told, below the root: of this system alone, a new one begins anew.
const KEPT: &str = "var/lib/mazet/alarm.json";
/// Lines for the screen, below the root; none while all is well.
const NOTICES: &str = "run/mazet/alarm";
/// The screens.
const SCREENS: &str = "mazet-console@*.service";
/// At so many looks one after the other, a fault is told: one that mends itself meanwhile is not.
const LOOKS: u32 = 2;

/// What was seen and told so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    /// At how many looks one after the other each thing was not well, by its subject.
    looks: BTreeMap<String, u32>,
    /// Subjects that were told of, and are not well still.
    told: BTreeSet<String>,
}

/// What is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    /// Something that was not told of is not well.
    Bad,
    /// All that was told of is well again.
    Well,
}

impl Kept {
    /// After a look at which these subjects were not well.
    fn after(&self, bad: &BTreeSet<&str>) -> (Self, Option<News>) {
        let looks = |subject: &&str| self.looks.get(*subject).map_or(1, |looks| looks.saturating_add(1));
        let looks: BTreeMap<String, u32> =
            bad.iter().map(|subject| ((*subject).to_owned(), looks(subject))).collect();
        let ripe = looks.iter().filter(|(_, looks)| **looks >= LOOKS).map(|(subject, _)| subject.clone());
        let mut told: BTreeSet<String> =
            self.told.iter().filter(|subject| bad.contains(subject.as_str())).cloned().collect();
        let before = told.len();
        told.extend(ripe);
        let news = if told.len() > before {
            Some(News::Bad)
        } else if bad.is_empty() && !self.told.is_empty() {
            Some(News::Well)
        } else {
            None
        };
        (Self { looks, told }, news)
    }

    /// Nobody could be written to: what was not told `before` is told as soon as somebody can.
    fn told_nobody(&mut self, before: &Self) {
        self.told.retain(|subject| before.told.contains(subject));
    }
}

/// Looks, shows, and writes to the operators where there is news.
///
/// # Errors
/// When settings, database or a file cannot be read or written.
pub fn run(runner: &Runner) -> Result<()> {
    let root = Path::new("/");
    let report = health::report(runner);
    if show(root, &report)? {
        runner.run(Program::Systemctl, &["try-restart", SCREENS])?;
    }
    let kept = read(root)?;
    let (mut next, news) = kept.after(&report.bad().map(|finding| finding.subject.as_str()).collect());
    if news.is_some() && !write(runner, root, &report)? {
        next.told_nobody(&kept);
    }
    // Only now: what could not be written is tried at the next look.
    keep(root, &next)
}

/// Puts messages into the outbox, and has them sent; false: the box sends none, or to no operator, and has told it on
/// its screen.
fn write(runner: &Runner, root: &Path, report: &Report) -> Result<bool> {
    let settings = system::settings(root)?;
    if settings.mail.relay.is_none() {
        return Ok(false);
    }
    let (base, organisation) = (format!("https://{}", settings.host()), settings.organisation.name.clone());
    let writer = Writer::of(base, organisation, settings.machine.language);
    let told = async {
        let mut queue = Queue::open(&Place::new(DATABASE, OWNER)).await?;
        queue.alarm(|to| writer.alarm(to, report)).await
    };
    let is_told = database::runtime()?.block_on(told)? > 0;
    if is_told {
        mail::start(runner)?;
    }
    Ok(is_told)
}

/// Keeps the lines of the screen; did they change?
fn show(root: &Path, report: &Report) -> Result<bool> {
    let path = root.join(NOTICES);
    let text = notices(report).join("\n");
    let before = match fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        read => read.with_context(|| format!("reading {}", path.display()))?,
    };
    if text == before {
        return Ok(false);
    }
    files::write_atomically(&path, text.as_bytes(), 0o644, None)?;
    Ok(true)
}

/// What the screen of the box says, French before English; nothing while all is well.
pub fn shown(root: &Path) -> Vec<String> {
    fs::read_to_string(root.join(NOTICES)).unwrap_or_default().lines().map(str::to_owned).collect()
}

fn notices(report: &Report) -> Vec<String> {
    use mazet_model::settings::Language::{En, Fr};
    if report.is_well() {
        return Vec::new();
    }
    let line = |language| {
        let catalogue = Catalogue::shared();
        let titles: BTreeSet<String> =
            report.bad().map(|finding| finding.title(catalogue, language)).collect();
        let titles = titles.into_iter().collect::<Vec<_>>().join(", ");
        catalogue.say(language, "health.on_screen", &[("titles", &titles)])
    };
    [Fr, En].map(line).to_vec()
}

fn read(root: &Path) -> Result<Kept> {
    let path = root.join(KEPT);
    match fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Kept::default()),
        // What cannot be read is no reason to be silent for ever.
        read => Ok(serde_json::from_str(&read.with_context(|| format!("reading {}", path.display()))?)
            .unwrap_or_default()),
    }
}

fn keep(root: &Path, kept: &Kept) -> Result<()> {
    let path = root.join(KEPT);
    files::make_folder(path.parent().context("a file needs a folder")?, 0o755)?;
    files::write_atomically(&path, serde_json::to_string(kept)?.as_bytes(), 0o644, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Finding;

    /// What each of these looks brings.
    fn news(looks: &[&[&str]]) -> Vec<Option<News>> {
        let mut kept = Kept::default();
        let mut look = |bad: &&[&str]| {
            let (next, news) = kept.after(&bad.iter().copied().collect());
            kept = next;
            news
        };
        looks.iter().map(&mut look).collect()
    }

    #[test]
    fn a_fault_is_told_once_when_it_stays_and_when_it_is_gone() {
        use News::{Bad, Well};
        assert_eq!(news(&[&["disks"], &[], &["disks"], &[]]), [None; 4], "one that mends itself");
        let stays: &[&[&str]] = &[&["disks"], &["disks"], &["disks"], &[], &[]];
        assert_eq!(news(stays), [None, Some(Bad), None, Some(Well), None]);
        let another: &[&[&str]] = &[&["disks"], &["disks", "clock"], &["clock", "disks"], &["clock"], &[]];
        assert_eq!(news(another), [None, Some(Bad), Some(Bad), None, Some(Well)]);
        let again: &[&[&str]] =
            &[&["disks", "clock"], &["disks", "clock"], &["clock"], &["disks", "clock"], &["disks"]];
        assert_eq!(news(again), [None, Some(Bad), None, None, Some(Bad)]);
    }

    #[test]
    fn a_fault_older_than_the_way_out_is_told_once_there_is_one() {
        let bad = BTreeSet::from(["disks"]);
        let (first, _) = Kept::default().after(&bad);
        let (mut second, news) = first.after(&bad);
        assert_eq!(news, Some(News::Bad));
        second.told_nobody(&first);
        let (third, news) = second.after(&bad);
        assert_eq!(news, Some(News::Bad), "still to be told");
        assert_eq!(third.after(&bad).1, None, "told");
    }

    #[test]
    fn what_was_told_is_known_after_a_restart() {
        let root = tempfile::tempdir().expect("temporary folder");
        assert_eq!(read(root.path()).expect("nothing yet"), Kept::default());
        let (kept, _) = Kept::default().after(&BTreeSet::from(["units"]));
        keep(root.path(), &kept).expect("kept");
        assert_eq!(read(root.path()).expect("kept"), kept);
        fs::write(root.path().join(KEPT), "{").expect("half a file");
        assert_eq!(read(root.path()).expect("begins anew"), Kept::default());
    }

    #[test]
    fn the_screen_says_so_as_long_as_something_is_not_well() {
        let root = tempfile::tempdir().expect("temporary folder");
        fs::create_dir_all(root.path().join("run/mazet")).expect("folder");
        let finding = |ok| Finding {
            subject: "clock".to_owned(),
            ok,
            key: "clock_past".to_owned(),
            ..Finding::default()
        };
        let report = |ok| Report { findings: vec![finding(ok), finding(true)] };
        assert!(!show(root.path(), &report(true)).expect("well"));
        assert!(show(root.path(), &report(false)).expect("not well"));
        assert!(!show(root.path(), &report(false)).expect("still not"));
        let lines = shown(root.path());
        assert_eq!(lines.len(), 2);
        assert!(lines[0].contains("Heure") && lines[1].contains("Clock"), "{lines:?}");
        assert!(show(root.path(), &report(true)).expect("well again"));
        assert!(shown(root.path()).is_empty());
    }
}
