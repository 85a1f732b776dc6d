//! The box's program, compiled for the target in the compile tree.
//!
//! The compiler is the target release's own, whatever the host has, and sees the sources, the
//! crates and the target folder at fixed paths: so any host makes the same program. Crates are
//! collected on the host (`cargo vendor`), and the compile tree has no network.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::arch::Architecture;
use crate::digest::{Digest, Inputs};
use crate::paths::{Cache, Project};
use crate::run::{Command, Program};
use crate::sandbox::Sandbox;
use crate::stage::{place, stage};

/// What decides the program, below the project.
const SOURCES: [&str; 2] = ["src/mazetd", "src/model"];
/// Manifests that cargo reads whatever it compiles.
const MANIFESTS: [&str; 2] = ["Cargo.toml", "Cargo.lock"];

/// The program, compiled.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The program's file.
    pub mazetd: PathBuf,
    /// The digest of its inputs.
    pub key: Digest,
    /// It was there already.
    pub cached: bool,
}

/// What decides the program: sources, crates, compiler.
///
/// # Errors
/// When a source cannot be read.
pub fn inputs(project: &Project, compiler: Digest, architecture: &str) -> Result<Inputs> {
    let mut inputs = Inputs::new("mazetd", 1);
    inputs.digest("compile tree", compiler);
    inputs.text("architecture", architecture);
    for folder in SOURCES {
        inputs.folder(folder, &project.root.join(folder))?;
    }
    for file in MANIFESTS {
        inputs.digest(file, Digest::of_file(&project.root.join(file))?);
    }
    Ok(inputs)
}

/// Compiles `mazetd`. `tree` is called only when it must be.
///
/// # Errors
/// When crates cannot be had or the compiler refuses the sources.
pub fn mazetd(
    cache: &Cache,
    project: &Project,
    compiler: Digest,
    architecture: &str,
    offline: bool,
    tree: impl FnOnce() -> Result<PathBuf>,
) -> Result<Compiled> {
    let inputs = inputs(project, compiler, architecture)?;
    let made = stage(&cache.folder("programs")?, "mazetd", &inputs, |folder| {
        let crates = vendor(cache, project, offline)?;
        compile(cache, project, Architecture::of(architecture)?, &tree()?, &crates, folder)
    })?;
    Ok(Compiled { mazetd: made.folder.join("mazetd"), key: made.key, cached: made.cached })
}

/// Where the crates of the workspace are kept, once they were collected.
///
/// # Errors
/// When the lock of the crates cannot be read.
pub fn crates(cache: &Cache, project: &Project) -> Result<PathBuf> {
    Ok(place(&cache.folder("crates")?, "crates", &crates_inputs(project)?))
}

fn crates_inputs(project: &Project) -> Result<Inputs> {
    let mut inputs = Inputs::new("crates", 1);
    inputs.digest("Cargo.lock", Digest::of_file(&project.root.join("Cargo.lock"))?);
    Ok(inputs)
}

/// Every crate of the workspace, in a folder of its own.
fn vendor(cache: &Cache, project: &Project, offline: bool) -> Result<PathBuf> {
    let made = stage(&cache.folder("crates")?, "crates", &crates_inputs(project)?, |folder| {
        let mut command = Command::new(Program::Cargo, "collecting the crates of the box's program")
            .args(["vendor", "--locked", "--versioned-dirs", "--quiet", "--manifest-path"])
            .arg(project.root.join("Cargo.toml"))
            .arg(folder.join("vendor"));
        if offline {
            command = command.arg("--offline");
        }
        command.run()?;
        fs::write(folder.join("config.toml"), CARGO_CONFIGURATION).context("writing cargo's configuration")
    })?;
    Ok(made.folder)
}

/// Crates come from the vendored folder alone.
const CARGO_CONFIGURATION: &str = r#"[source.crates-io]
replace-with = "vendored"
[source.vendored]
directory = "/crates/vendor"
"#;

fn compile(
    cache: &Cache,
    project: &Project,
    architecture: Architecture,
    tree: &Path,
    crates: &Path,
    output: &Path,
) -> Result<()> {
    // Kept between builds: cargo compiles again only what changed.
    let target = kept_work(cache, "target", project)?;
    let mut command = cargo(project, tree, crates, &target, "compiling mazetd for the box")?
        .args(["build", "--release", "--locked", "--offline", "--package", "mazetd"])
        .log(&output.join("compile.log"));
    let mut made = target;
    if architecture.is_foreign() {
        let linker = format!("CARGO_TARGET_{}_LINKER", architecture.rust.to_uppercase().replace('-', "_"));
        command =
            command.args(["--target", architecture.rust]).env(&linker, format!("{}-gcc", architecture.gnu));
        made = made.join(architecture.rust);
    }
    command.run()?;
    let program = made.join("release/mazetd");
    fs::copy(&program, output.join("mazetd")).with_context(|| format!("taking {}", program.display()))?;
    Ok(())
}

/// Where cargo keeps its work between builds, a folder for each project. Inside, all projects lie at
/// `/src`, and cargo tells what changed by the times of files: it would take the work on one
/// project's sources for that on another's older ones.
fn kept_work(cache: &Cache, kind: &str, project: &Project) -> Result<PathBuf> {
    let whose = Digest::of(project.root.as_os_str().as_encoded_bytes());
    cache.folder(&format!("{kind}/{}", whose.short()))
}

/// The compile tree's cargo, with the project at `/src`.
fn cargo(project: &Project, tree: &Path, crates: &Path, target: &Path, doing: &str) -> Result<Command> {
    let command = Sandbox::new(tree)
        .bind(&project.root, "/src")
        .bind(crates, "/crates")
        .bind(target, "/target")
        .bind(&crates.join("config.toml"), "/cargo/config.toml")
        .cwd("/src")
        .command(doing, "cargo")?;
    let fixed = [("CARGO_HOME", "/cargo"), ("CARGO_TARGET_DIR", "/target"), ("CARGO_TERM_COLOR", "never")];
    Ok(fixed.into_iter().fold(command, |command, (name, value)| command.env(name, value)))
}

/// clippy over the whole workspace, tests included, with the compiler of `tree`: no warning, and
/// nothing that the release's own compiler does not know. Hands over each line that it says; true
/// when it found nothing.
///
/// # Errors
/// When crates cannot be had, or clippy cannot be started.
pub fn lint(cache: &Cache, project: &Project, tree: &Path, on_line: impl FnMut(&str)) -> Result<bool> {
    let crates = vendor(cache, project, false)?;
    let target = kept_work(cache, "lint-target", project)?;
    cargo(project, tree, &crates, &target, "looking for warnings in the sources")?
        .args(["clippy", "--quiet", "--workspace", "--all-targets", "--keep-going", "--locked", "--offline"])
        .args(["--", "--deny", "warnings"])
        .stream(on_line)
}
