//! `mazet test`: every suite, one verdict.

mod axe;
pub mod clock;
mod drivers;
mod second;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use mazet_model::check::Valid;

use super::{CHECK_FAILED, Setting, bench, boot, build, small};
use crate::cli;
use crate::compile;
use crate::lock::Part;
use crate::paths;
use crate::run::{Command, Program};
use crate::sandbox::own;
use crate::timings::{Timings, human_bytes, human_seconds};

/// The recipe that most of the end-to-end scenarios boot.
const RECIPE: &str = "pc";
/// The recipe of the scenarios of the Raspberry Pi.
const PI: &str = "pi";

/// The recipe whose root trees are compared.
const TREES: &str = "trees";

/// Begin nothing more after so many minutes.
const MINUTES: &str = "MAZET_TEST_MINUTES";

/// What was begun before that may take so much longer; what hangs fails, and does not take the verdict with it.
const GRACE: Duration = Duration::from_secs(26 * 60);

/// On a slow machine a scenario takes longer than [`GRACE`]: so much sooner than anything else is the last one begun.
const SCENARIO: Duration = Duration::from_secs(8 * 60);

/// The suite of real boots.
const SCENARIOS: &str = "end to end";

/// What a suite counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    passed: u64,
    failed: u64,
}

impl Count {
    /// One check of its own.
    fn one(good: bool) -> Self {
        Self { passed: u64::from(good), failed: u64::from(!good) }
    }

    fn and(self, more: Self) -> Self {
        Self { passed: self.passed + more.passed, failed: self.failed + more.failed }
    }

    /// Adds what a line of a test runner counts: libtest's `test result: ok. 3 passed; 0 failed; …`,
    /// or the plain `3 passed, 0 failed`.
    fn add_line(&mut self, line: &str) {
        let counts =
            line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". ")).map(|(_, c)| c);
        let Some(counts) = counts.or_else(|| line.contains(" passed, ").then_some(line)) else { return };
        let mut numbers =
            counts.split([';', ',']).map(|part| part.trim().split(' ').next().unwrap_or_default());
        let mut next = || numbers.next().and_then(|number| number.parse::<u64>().ok());
        if let (Some(passed), Some(failed)) = (next(), next()) {
            self.passed += passed;
            self.failed += failed;
        }
    }
}

/// One finished suite.
struct Suite {
    name: &'static str,
    count: Count,
    seconds: f64,
    /// What was left for files of the project when it ended, in bytes.
    free: Option<u64>,
}

/// Runs the suites in order; a failed one does not keep the next from running.
///
/// # Errors
/// When project or cache cannot be found.
pub fn run(words: &cli::Test) -> Result<ExitCode> {
    let setting = Setting::find()?;
    let artefacts = words.artefacts.clone().unwrap_or_else(|| setting.project.root.join("target/artefacts"));
    let tester = Tester { setting, artefacts, words: words.clone(), time: Time::of_environment()? };
    type Work = fn(&Tester) -> Result<Count>;
    // The last ones are those that a run with little time does without.
    let suites: [(&'static str, Work); 9] = [
        ("recipes", Tester::recipes),
        ("generated files", Tester::generated),
        ("lints", Tester::lints),
        ("unit and integration", Tester::cargo),
        ("image", Tester::image),
        (SCENARIOS, Tester::scenarios),
        ("root trees", Tester::trees),
        ("same image twice", Tester::second_build),
        ("Raspberry Pi", Tester::pi),
    ];
    let filter = &words.filter;
    let named = |name: &str| filter.is_empty() || filter.iter().any(|text| name.contains(text));
    // A filter that names no suite is for the scenarios.
    let for_scenarios = !suites.iter().any(|(name, _)| named(name));
    let wanted = |name: &str| if for_scenarios { name == SCENARIOS } else { named(name) };
    let mut done = Vec::new();
    for (name, work) in suites.into_iter().filter(|(name, _)| wanted(name)) {
        if tester.time.is_over() {
            tester.setting.ui.say(format!("not begun for want of time: {name}"));
        } else {
            done.push(tester.suite(name, work));
        }
    }
    let failed = report(&done);
    Ok(if failed { ExitCode::from(CHECK_FAILED) } else { ExitCode::SUCCESS })
}

/// The table of suites and, last, the line that counts them all; true when anything failed.
fn report(done: &[Suite]) -> bool {
    for Suite { name, count, seconds, free } in done {
        let time = human_seconds(*seconds);
        let room = free.map(|bytes| format!("{} free", human_bytes(bytes))).unwrap_or_default();
        eprintln!("{name:24} {:>4} passed {:>4} failed  {time:>13}  {room:>14}", count.passed, count.failed);
    }
    let sum = |of: fn(&Count) -> u64| done.iter().map(|suite| of(&suite.count)).sum::<u64>();
    let (passed, failed) = (sum(|count| count.passed), sum(|count| count.failed));
    println!("{passed} passed, {failed} failed");
    failed > 0 || passed == 0
}

struct Tester {
    setting: Setting,
    artefacts: PathBuf,
    words: cli::Test,
    time: Time,
}

/// How long suites and scenarios may be begun. Where machines are slow, CI's time is over before all is done:
/// what was not begun is named, and counts as nothing.
struct Time {
    begun: Instant,
    most: Option<Duration>,
}

impl Time {
    /// As [`MINUTES`] says; without it, there is no end.
    fn of_environment() -> Result<Self> {
        let most = match std::env::var(MINUTES) {
            Ok(text) => {
                let minutes: u64 =
                    text.parse().with_context(|| format!("{MINUTES}={text:?} is no number of minutes"))?;
                Some(Duration::from_secs(minutes * 60))
            }
            Err(_) => None,
        };
        Ok(Self { begun: Instant::now(), most })
    }

    fn left(&self) -> Option<Duration> {
        self.most.map(|most| most.saturating_sub(self.begun.elapsed()))
    }

    fn is_over(&self) -> bool {
        self.left().is_some_and(|left| left.is_zero())
    }
}

impl Tester {
    fn suite(&self, name: &'static str, work: fn(&Self) -> Result<Count>) -> Suite {
        self.setting.ui.say(format!("== {name}"));
        let start = Instant::now();
        let count = work(self).unwrap_or_else(|error| {
            self.setting.ui.say(format!("{name}: {error:#}"));
            Count::one(false)
        });
        let free = paths::free(&self.setting.project.root);
        Suite { name, count, seconds: start.elapsed().as_secs_f64(), free }
    }

    /// Every recipe of the project is without fault.
    fn recipes(&self) -> Result<Count> {
        let mut count = Count::default();
        for entry in fs::read_dir(self.setting.project.root.join("recipes")).context("reading recipes/")? {
            let path = entry?.path();
            let Some(name) = path.file_stem().filter(|_| path.extension().is_some_and(|end| end == "toml"))
            else {
                continue;
            };
            match self.setting.recipe(&name.to_string_lossy()) {
                Ok(_) => count.passed += 1,
                Err(faults) => {
                    self.setting.ui.say(faults.to_string());
                    count.failed += 1;
                }
            }
        }
        Ok(count)
    }

    /// Man pages, completions and schemas are as the code would write them.
    fn generated(&self) -> Result<Count> {
        let words = cli::Generate { folder: "docs/generated".into(), check: true };
        Ok(Count::one(small::generate(&words)? == ExitCode::SUCCESS))
    }

    /// No warning, and nothing newer than the compiler that the workspace promises.
    fn lints(&self) -> Result<Count> {
        let tree = boot::tree(&self.setting, RECIPE, "compile", Part::Compile)?;
        let Setting { cache, project, .. } = &self.setting;
        compile::lint(cache, project, &tree, |line| eprintln!("{line}")).map(Count::one)
    }

    fn cargo(&self) -> Result<Count> {
        // Where resolving is tested with the apt that resolves in a build.
        let tools = boot::tools(&self.setting, RECIPE)?;
        let tree = boot::tree(&self.setting, RECIPE, "test", Part::Test)?;
        let prefix = boot::prefix(&self.setting, &tree, &[])?.join("\n");
        let tests = |which: &[&str]| {
            Command::new(Program::Cargo, "running the unit and integration tests")
                .env("MAZET_TEST_TOOLS", &tools)
                .args(["test", "--locked", "--no-fail-fast", "--manifest-path"])
                .arg(self.setting.project.root.join("Cargo.toml"))
                .args(which)
                // The tree has programs that some tests talk with.
                .env("MAZET_TEST_PREFIX", &prefix)
        };
        let mut count = self.counted(&tests(&["--workspace"]))?;
        if self.words.long {
            // Those with thousands of files, with files of gigabytes, and of the client with windows.
            let words = ["--package", "mazet-files", "--tests", "--", "--ignored", "--nocapture"];
            let more = self.counted(&tests(&words))?;
            count = count.and(more);
        }
        Ok(count)
    }

    /// Our root tree is the one that mmdebstrap makes: for the builder's architecture, and with
    /// `--long` for the other one.
    fn trees(&self) -> Result<Count> {
        let mut valid = self.setting.recipe(TREES)?;
        let mut count = Count::one(self.same_trees(&valid)?);
        if self.words.long {
            let pi = self.setting.recipe(PI)?.recipe.image;
            let image = &mut valid.recipe.image;
            (image.architecture, image.hardware) = (pi.architecture, pi.hardware);
            let more = Count::one(self.same_trees(&valid)?);
            count = count.and(more);
        }
        Ok(count)
    }

    fn same_trees(&self, valid: &Valid) -> Result<bool> {
        let compared = bench::compare_trees(&self.setting, valid)?;
        for line in &compared.differences {
            self.setting.ui.say(line);
        }
        Ok(compared.differences.is_empty())
    }

    /// The images that scenarios boot.
    fn images(&self) -> &'static [&'static str] {
        if self.words.long { &[RECIPE, PI] } else { &[RECIPE] }
    }

    /// Builds the images that the scenarios boot, and looks for the drivers of what cannot be booted here.
    fn image(&self) -> Result<Count> {
        let mut count = Count::default();
        for &recipe in self.images() {
            count = count.and(self.image_of(recipe)?);
        }
        Ok(count)
    }

    /// The Pi's image, where no scenario needed it earlier.
    fn pi(&self) -> Result<Count> {
        let is_done = self.words.long && self.words.filter.is_empty();
        if is_done { Ok(Count::default()) } else { self.image_of(PI) }
    }

    fn image_of(&self, recipe: &str) -> Result<Count> {
        let valid = self.setting.recipe(recipe)?;
        let timings = Timings::new();
        let options = build::options(&self.setting, &boot::plain_build(recipe));
        let built = build::pipeline(&self.setting, &valid, &options, &timings).run();
        eprint!("{}", timings.record().to_table());
        built.with_context(|| format!("building {recipe}"))?;
        let scratch =
            tempfile::tempdir_in(self.setting.cache.folder("scratch")?).context("making a scratch folder")?;
        let hardware = &valid.recipe.image.hardware;
        let count = Count::one(true);
        match drivers::command(&self.setting, recipe, hardware, scratch.path())? {
            Some(check) => Ok(count.and(self.counted(&check)?)),
            None => Ok(count),
        }
    }

    fn scenarios(&self) -> Result<Count> {
        let image = |recipe: &str| self.setting.project.images().join(format!("{recipe}.img"));
        let mut command = scenarios(&self.setting, RECIPE, &image(RECIPE), &self.artefacts)?;
        if image(PI).exists() {
            command = command.arg("--pi-image").arg(image(PI));
            let tools = ("--pi-tools-prefix", "tools", Part::Tools);
            command = enter(command, &self.setting, PI, &self.artefacts, tools)?;
        }
        let test_tree = boot::tree(&self.setting, RECIPE, "test", Part::Test)?;
        command = command.arg("--axe").arg(axe::script(&self.setting, &test_tree)?);
        if self.words.long {
            command = command.arg("--long");
        }
        // Together, the disks of all of them would be larger than many a machine has room for.
        command = command.arg(if self.words.keep { "--reuse" } else { "--tidy" });
        if let Some(left) = self.time.left() {
            let left = left.saturating_sub(SCENARIO).as_secs();
            command = command.args(["--begin-within", &left.to_string()]);
        }
        for filter in self.words.filter.iter().filter(|text| !SCENARIOS.contains(text.as_str())) {
            command = command.args(["--filter", filter]);
        }
        self.counted(&command)
    }

    /// Each image, built once more elsewhere.
    fn second_build(&self) -> Result<Count> {
        let mut count = Count::default();
        for recipe in self.images() {
            second::same_image(&self.setting, recipe, self.words.other_user.as_deref())?;
            count.passed += 1;
        }
        Ok(count)
    }

    /// Runs a test runner, shows what it says, and counts.
    fn counted(&self, command: &Command) -> Result<Count> {
        let mut count = Count::default();
        let command = match self.time.left() {
            Some(left) => command.clone().within(left + GRACE),
            None => command.clone(),
        };
        let good = command.stream(|line| {
            eprintln!("{line}");
            count.add_line(line);
        })?;
        // A runner that dies counts nothing: that is a failure too.
        count.failed += u64::from(!good && count.failed == 0);
        Ok(count)
    }
}

/// The program of the end-to-end scenarios, told where everything is.
///
/// # Errors
/// When a tree cannot be made.
pub fn scenarios(setting: &Setting, recipe: &str, image: &Path, artefacts: &Path) -> Result<Command> {
    fs::create_dir_all(artefacts).with_context(|| format!("making {}", artefacts.display()))?;
    let mut command = Command::new(Program::Cargo, "running the end-to-end scenarios")
        .args(["run", "--quiet", "--locked", "--package", "mazet-tests", "--manifest-path"])
        .arg(setting.project.root.join("Cargo.toml"))
        .args(["--", "--image"])
        .arg(image)
        .arg("--artefacts")
        .arg(artefacts)
        .arg("--mazet")
        .arg(own::path()?);
    for tree in [("--tools-prefix", "tools", Part::Tools), ("--test-tree-prefix", "test", Part::Test)] {
        command = enter(command, setting, recipe, artefacts, tree)?;
    }
    Ok(command)
}

/// Tells the program how a tree of `recipe` is entered: its flag, the tree's name and part.
fn enter(
    mut command: Command,
    setting: &Setting,
    recipe: &str,
    artefacts: &Path,
    (flag, name, part): (&str, &str, Part),
) -> Result<Command> {
    let folders = [setting.project.images(), artefacts.to_owned()];
    let tree = boot::tree(setting, recipe, name, part)?;
    let words = boot::prefix(setting, &tree, &folders)?;
    command = command.args(words.iter().flat_map(|word| [flag, word]));
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runners_lines_are_counted() {
        let mut count = Count::default();
        count.add_line("test result: ok. 12 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out");
        count.add_line("running 3 tests");
        count.add_line("7 passed, 2 failed");
        assert_eq!(count, Count { passed: 19, failed: 3 });
    }
}
