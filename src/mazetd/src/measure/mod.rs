//! `mazetd measure`: services of which one must be chosen, measured on this hardware.
//!
//! Each is started in turn beside the running one, as its manifest's `[trial]` says: on loopback
//! ports, in a folder of its own, from the same template that the box uses. What it is measured
//! with:
//!
//! | task | each of 50 clients at once, over HTTPS, by `ab` |
//! |---|---|
//! | `static` | a page of 10 KiB from a folder |
//! | `page` | the box's home page, passed on to `mazetd web` |
//! | `php` | a page by PHP, where a service of the box runs it |
//! | `upload` | PUT of 1 MiB, passed on to a program that reads it and forgets it |
//!
//! | module | subject |
//! |---|---|
//! | [`server`] | starting one, its memory, ending it |
//! | [`load`] | `ab`, and what it says |
//! | [`sink`] | the program that uploads go to |
//! | [`desk`] | measuring from the pages: the unit, how far it is, what was kept |

pub mod desk;
mod load;
mod server;
mod sink;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use mazet_model::alternatives::members;
use mazet_model::context::context;
use mazet_model::manifest::{Manifest, Trial};
use mazet_model::settings::Settings;
use mazet_model::{image, template, vhosts};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::load::Figures;

use self::desk::Progress;
use self::load::Load;
use self::server::{Listens, Server};
use self::sink::Sink;
use crate::files;
use crate::run::Runner;
use crate::system::{self, below};

/// Where reports are kept below the root, one file an alternative: `web-server.json`.
const FOLDER: &str = "srv/mazet/measured";
/// Clients at once.
const CLIENTS: u32 = 50;
/// The socket of the box's pages.
const PAGES: &str = "/run/mazetd/web.sock";
/// Size of the static page, in bytes.
const PAGE_BYTES: usize = 10 << 10;
/// Size of an upload, in bytes.
const UPLOAD_BYTES: usize = 1 << 20;

/// The figures of all services that are alternatives to each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// What they are one of: `web-server`.
    pub alternative: String,
    /// When, in seconds since 1970 UTC.
    pub measured: u64,
    /// The processor, as the kernel names it.
    pub processor: String,
    /// How many of them.
    pub processors: usize,
    /// Clients at once.
    pub clients: u32,
    /// How long each task was repeated, in seconds.
    pub seconds: u32,
    /// One entry a service.
    pub services: Vec<Measured>,
}

/// The figures of one service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// Its name.
    pub service: String,
    /// Memory before the first client (PSS: shared pages in parts), in KiB.
    pub idle_kib: u64,
    /// Memory after the last one, in KiB.
    pub loaded_kib: u64,
    /// One entry a task.
    pub tasks: Vec<Task>,
}

/// The figures of one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// `static`, `page`, `php`, `upload`.
    pub name: String,
    /// What the clients saw.
    pub figures: Figures,
}

/// Measures every service of the box that has a trial, and keeps the reports. How far it is, and why
/// it failed, stands in a file meanwhile ([`desk`]).
///
/// # Errors
/// When a server does not start, `ab` fails, or a report cannot be kept.
pub fn run(runner: &Runner, seconds: u32) -> Result<Vec<Report>> {
    let reports = run_all(runner, seconds);
    desk::keep_outcome(reports.as_ref().err())?;
    reports
}

fn run_all(runner: &Runner, seconds: u32) -> Result<Vec<Report>> {
    let root = Path::new("/");
    let services = system::services(root)?;
    let settings = system::settings(root)?;
    let words: BTreeSet<&String> =
        services.iter().filter_map(|manifest| manifest.service.alternative.as_ref()).collect();
    let mut reports = Vec::new();
    for word in words {
        let names = members(word, &services);
        let named = services.iter().filter(|manifest| names.contains(&manifest.service.name.as_str()));
        let trials: Vec<(&Manifest, &Trial)> = named.filter_map(of_trial).collect();
        if trials.is_empty() {
            continue;
        }
        let bench = Bench { root, settings: &settings, services: &services, runner, seconds };
        let report = bench.report(word, &trials)?;
        keep(&report)?;
        reports.push(report);
    }
    ensure!(!reports.is_empty(), "no service of this box has anything to be compared with");
    Ok(reports)
}

/// A service, and how it is measured.
fn of_trial(manifest: &Manifest) -> Option<(&Manifest, &Trial)> {
    manifest.trial.as_ref().map(|trial| (manifest, trial))
}

fn keep(report: &Report) -> Result<()> {
    let path = kept(Path::new("/"), &report.alternative);
    files::make_folder(path.parent().context("it has a folder")?, 0o755)?;
    files::write_atomically(&path, serde_json::to_string_pretty(report)?.as_bytes(), 0o644, None)
}

/// The report of the services `alternative` of the box at `root`.
fn kept(root: &Path, alternative: &str) -> PathBuf {
    root.join(FOLDER).join(format!("{alternative}.json"))
}

/// What a measurement is made with.
struct Bench<'b> {
    root: &'b Path,
    settings: &'b Settings,
    services: &'b [Manifest],
    runner: &'b Runner,
    seconds: u32,
}

impl Bench<'_> {
    fn report(&self, word: &str, trials: &[(&Manifest, &Trial)]) -> Result<Report> {
        let measured = trials.iter().enumerate().map(|(number, (manifest, trial))| {
            let of = Progress { number, of: trials.len(), ..Progress::of(&manifest.service.name) };
            self.measure(manifest, trial, &of)
        });
        Ok(Report {
            alternative: word.to_owned(),
            services: measured.collect::<Result<_>>()?,
            measured: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
            processor: processor(&fs::read_to_string("/proc/cpuinfo").unwrap_or_default()),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            clients: CLIENTS,
            seconds: self.seconds,
        })
    }

    fn measure(&self, manifest: &Manifest, trial: &Trial, progress: &Progress) -> Result<Measured> {
        let name = &manifest.service.name;
        let scratch = scratch(&below(self.root, "/run"))?;
        let folder = scratch.path();
        let _sink = Sink::start(&folder.join("sink.sock"))?;
        let php = self.php(folder)?;
        let sample = Sample::lay_out(folder, php.as_ref().map(|(_, socket)| socket.as_path()))?;
        progress.at(0, sample.tasks.len(), "")?;
        let ports = (server::free_port()?, server::free_port()?);
        let configuration = self.render(manifest, trial, &sample.manifest, folder, ports)?;
        files::make_folder(&folder.join(name), 0o755)?;
        let server = Server::start(&trial.command, &configuration, &Listens::Port(ports.1))
            .with_context(|| format!("starting {name} beside the running server"))?;
        let idle_kib = server.memory_kib();
        let load =
            Load { runner: self.runner, folder, port: ports.1, clients: CLIENTS, seconds: self.seconds };
        let (mut tasks, count) = (Vec::new(), sample.tasks.len());
        for (number, (task, path, upload)) in sample.tasks.into_iter().enumerate() {
            progress.at(number, count, task)?;
            let figures =
                load.run(path, upload.as_deref()).with_context(|| format!("measuring {name}: {task}"))?;
            tasks.push(Task { name: task.to_owned(), figures });
        }
        let loaded_kib = server.memory_kib();
        server.stop()?;
        php.map_or(Ok(()), |(php, _)| php.stop())?;
        Ok(Measured { service: name.clone(), idle_kib, loaded_kib, tasks })
    }

    /// PHP for them, and its socket, where a service of the box runs it.
    fn php(&self, folder: &Path) -> Result<Option<(Server, PathBuf)>> {
        let Some((manifest, trial, socket)) = runs_php(self.services) else { return Ok(None) };
        let empty = Sample::manifest("")?;
        let configuration = self.render(manifest, trial, &empty, folder, (0, 0))?;
        let socket = folder.join(socket);
        let server = Server::start(&trial.command, &configuration, &Listens::Socket(socket.clone()))
            .with_context(|| format!("starting {} beside the running one", manifest.service.name))?;
        Ok(Some((server, socket)))
    }

    /// The box's own template, for the sample's locations, on other ports.
    fn render(
        &self,
        manifest: &Manifest,
        trial: &Trial,
        sample: &Manifest,
        folder: &Path,
        ports: (u16, u16),
    ) -> Result<PathBuf> {
        let path = below(self.root, image::OVERLAYS_DIR).join(&manifest.service.name).join(&trial.template);
        let source = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let mut context = context(self.settings, std::slice::from_ref(sample), false);
        let runtime = folder.display().to_string();
        context["front"] = vhosts::trial(ports.0, ports.1, &runtime, vhosts::ACCESS);
        let text =
            template::render(&source, &context).with_context(|| format!("rendering {}", path.display()))?;
        let configuration = folder.join(format!("{}.conf", manifest.service.name));
        files::write_atomically(&configuration, text.as_bytes(), 0o644, None)?;
        Ok(configuration)
    }
}

/// A folder that every user can pass through, removed in the end.
fn scratch(parent: &Path) -> Result<tempfile::TempDir> {
    let folder =
        tempfile::Builder::new().prefix("mazet-measure-").tempdir_in(parent).context("making a folder")?;
    files::make_folder(folder.path(), 0o755)?;
    Ok(folder)
}

/// What is asked for, and the locations that answer.
struct Sample {
    manifest: Manifest,
    /// Name, path, and the file that is sent.
    tasks: Vec<(&'static str, &'static str, Option<PathBuf>)>,
}

impl Sample {
    /// Its manifest, with these tables of locations.
    fn manifest(vhosts: &str) -> Result<Manifest> {
        let text = format!(
            "[service]\nname = \"sample\"\ntitle = {{ fr = \"\", en = \"\" }}\nsummary = {{ fr = \"\", en = \"\" }}\n{vhosts}"
        );
        Manifest::parse(&text).context("describing the sample")
    }

    /// Files in `folder`; a page of PHP where something runs it at the socket `php`.
    fn lay_out(folder: &Path, php: Option<&Path>) -> Result<Self> {
        let (pages, upload) = (folder.join("pages"), folder.join("upload"));
        files::make_folder(&pages, 0o755)?;
        let page = format!("<!DOCTYPE html><title>Mazet</title>{}", "<p>page</p>".repeat(PAGE_BYTES / 11));
        files::write_atomically(&pages.join("index.html"), page.as_bytes(), 0o644, None)?;
        files::write_atomically(
            &pages.join("page.php"),
            b"<?php echo date('c'); phpversion();",
            0o644,
            None,
        )?;
        files::write_atomically(&upload, &vec![b'x'; UPLOAD_BYTES], 0o600, None)?;
        let mut tasks = vec![("static", "/pages/", None)];
        if Path::new(PAGES).exists() {
            tasks.push(("page", "/", None));
        }
        if php.is_some() {
            tasks.push(("php", "/pages/page.php", None));
        }
        tasks.push(("upload", "/upload/file", Some(upload)));
        let php = php.map(|socket| format!("php = \"unix:{}\"\n", socket.display())).unwrap_or_default();
        let vhosts = format!(
            "[[vhost]]\nlocation = \"/\"\nproxy = \"unix:{PAGES}\"\n\
             [[vhost]]\nlocation = \"/pages/\"\nfolder = {pages:?}\n{php}\
             [[vhost]]\nlocation = \"/upload/\"\nproxy = \"unix:{}\"\nupload-mib = 0\nstreaming = true\n",
            folder.join("sink.sock").display()
        );
        Ok(Self { manifest: Self::manifest(&vhosts)?, tasks })
    }
}

/// The service that runs PHP for those that are measured, how, and the name of its socket.
fn runs_php(services: &[Manifest]) -> Option<(&Manifest, &Trial, &str)> {
    services.iter().filter_map(of_trial).find_map(|(manifest, trial)| {
        let socket = trial.socket.as_deref()?;
        Some((manifest, trial, socket))
    })
}

/// The first `model name` of `/proc/cpuinfo`, or its `Model`, which a board names itself by.
fn processor(cpuinfo: &str) -> String {
    let value = |key: &str| {
        let line =
            cpuinfo.lines().find(|line| line.split(':').next().is_some_and(|name| name.trim() == key))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    value("model name").or_else(|| value("Model")).unwrap_or_default()
}

impl Report {
    /// A table, one line a service and task.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{}, {} clients for {} s each, on {} × {}\n",
            self.alternative, self.clients, self.seconds, self.processors, self.processor
        );
        for service in &self.services {
            let (idle, loaded) = (service.idle_kib / 1024, service.loaded_kib / 1024);
            text.push_str(&format!("{}: {idle} MiB idle, {loaded} MiB after the load\n", service.service));
            for Task { name, figures } in &service.tasks {
                let (median, p95) = (latency(figures.median_ms), latency(figures.p95_ms));
                text.push_str(&format!(
                    "  {name:<8} {:>8.0} requests/s   median {median}   95 % {p95}   {} failed\n",
                    figures.requests_per_second, figures.failed
                ));
            }
        }
        text
    }
}

fn latency(milliseconds: Option<f64>) -> String {
    milliseconds.map_or_else(|| "too few answers".to_owned(), |number| format!("{number:>6.1} ms"))
}
