//! The box's programs, compiled for the target in the compile tree: `mazetd`, and those that the services'
//! manifests name.
//!
//! The compiler is the target release's own, whatever the host has, and sees the sources, the
//! crates and the target folder at fixed paths: so any host makes the same program. Crates are
//! collected on the host (`cargo vendor`), and the compile tree has no network.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use mazet_model::manifest::Manifest;
use serde::Deserialize;

use crate::arch::Architecture;
use crate::digest::{Digest, Inputs};
use crate::paths::{Cache, Project};
use crate::run::{Command, Program};
use crate::sandbox::Sandbox;
use crate::stage::{lock, place, stage};

/// This program itself, of the workspace's members.
const OURSELVES: &str = "src/mazet";
/// In every image.
const ALWAYS: &str = "mazetd";
/// Name of the stage.
pub const STAGE: &str = "programs";
/// Manifests that cargo reads whatever it compiles.
const MANIFESTS: [&str; 2] = ["Cargo.toml", "Cargo.lock"];
/// What every package of the workspace is called, at its beginning.
const MEMBERS: &str = "mazet";

/// The programs, compiled.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// Their files, each named as the program.
    pub programs: Vec<PathBuf>,
    /// The digest of its inputs.
    pub key: Digest,
    /// It was there already.
    pub cached: bool,
}

/// The programs of an image with these services: packages of the workspace.
pub fn programs(services: &[Manifest]) -> Vec<&str> {
    let more = services.iter().flat_map(|manifest| &manifest.service.programs);
    std::iter::once(ALWAYS).chain(more.map(String::as_str)).collect()
}

/// What decides the programs: which ones, sources, crates, compiler.
///
/// # Errors
/// When a source cannot be read.
pub fn inputs(project: &Project, compiler: Digest, architecture: &str, programs: &[&str]) -> Result<Inputs> {
    let mut inputs = Inputs::new("programs", 1);
    inputs.text("programs", programs.join(" "));
    inputs.digest("compile tree", compiler);
    inputs.text("architecture", architecture);
    for folder in sources(&project.root)? {
        inputs.folder(&folder, &project.root.join(&folder))?;
    }
    for file in MANIFESTS {
        inputs.digest(file, Digest::of_file(&project.root.join(file))?);
    }
    Ok(inputs)
}

/// Folders of what runs on the box, below the project: the workspace's default members but ourselves.
fn sources(project: &Path) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Manifest {
        workspace: Workspace,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Workspace {
        default_members: Vec<String>,
    }
    let path = project.join("Cargo.toml");
    let reading = || format!("reading {}", path.display());
    let manifest: Manifest =
        toml::from_str(&fs::read_to_string(&path).with_context(reading)?).with_context(reading)?;
    let members = manifest.workspace.default_members.into_iter();
    Ok(members.filter(|member| member != OURSELVES).collect())
}

/// Compiles `programs`. `tree` is called only when it must be.
///
/// # Errors
/// When crates cannot be had or the compiler refuses the sources.
pub fn compiled(
    cache: &Cache,
    project: &Project,
    compiler: Digest,
    architecture: &str,
    (programs, offline): (&[&str], bool),
    tree: impl FnOnce() -> Result<PathBuf>,
) -> Result<Compiled> {
    let inputs = inputs(project, compiler, architecture, programs)?;
    let made = stage(&cache.folder("programs")?, STAGE, &inputs, |folder| {
        let crates = vendor(cache, project, offline)?;
        let architecture = Architecture::of(architecture)?;
        compile(cache, project, (architecture, programs), (&tree()?, &crates), folder)
    })?;
    let programs = programs.iter().map(|program| made.folder.join(program)).collect();
    Ok(Compiled { programs, key: made.key, cached: made.cached })
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
    (architecture, programs): (Architecture, &[&str]),
    (tree, crates): (&Path, &Path),
    output: &Path,
) -> Result<()> {
    // Kept between builds: crates of others are compiled once.
    let target = cache.folder("target")?;
    let _held = lock(&target.join("mazet.lock"))?;
    forget_members(&target)?;
    let mut command = cargo(project, tree, crates, &target, "compiling the box's programs")?
        .args(["build", "--release", "--locked", "--offline"])
        .log(&output.join("compile.log"));
    for program in programs {
        command = command.args(["--package", program]);
    }
    let mut made = target;
    if architecture.is_foreign() {
        let linker = format!("CARGO_TARGET_{}_LINKER", architecture.rust.to_uppercase().replace('-', "_"));
        command =
            command.args(["--target", architecture.rust]).env(&linker, format!("{}-gcc", architecture.gnu));
        made = made.join(architecture.rust);
    }
    command.run()?;
    for program in programs {
        let file = made.join("release").join(program);
        fs::copy(&file, output.join(program)).with_context(|| format!("taking {}", file.display()))?;
    }
    Ok(())
}

/// Has cargo compile the workspace's own packages again. It compares times, and the sources of another
/// checkout, seen at the same path, may be older than what was compiled here last.
fn forget_members(target: &Path) -> Result<()> {
    let below = |folder: &Path| -> Vec<PathBuf> {
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    };
    let profiles = below(target).into_iter().flat_map(|folder| [vec![folder.clone()], below(&folder)]);
    for mark in profiles.flatten().flat_map(|profile| below(&profile.join(".fingerprint"))) {
        if mark.file_name().is_some_and(|name| name.to_string_lossy().starts_with(MEMBERS)) {
            fs::remove_dir_all(&mark).with_context(|| format!("deleting {}", mark.display()))?;
        }
    }
    Ok(())
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
    let target = cache.folder("lint-target")?;
    let _held = lock(&target.join("mazet.lock"))?;
    forget_members(&target)?;
    cargo(project, tree, &crates, &target, "looking for warnings in the sources")?
        .args(["clippy", "--quiet", "--workspace", "--all-targets", "--keep-going", "--locked", "--offline"])
        .args(["--", "--deny", "warnings"])
        .stream(on_line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_to_any_program_of_the_box_is_seen() {
        let sources = sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))).expect("read");
        for folder in ["src/backup", "src/directory", "src/mazetd", "src/model", "src/post"] {
            assert!(sources.iter().any(|one| one == folder), "{folder}: {sources:?}");
        }
        assert!(!sources.iter().any(|one| one == OURSELVES));
    }

    #[test]
    fn only_the_workspaces_own_packages_are_forgotten() {
        let target = tempfile::tempdir().expect("temporary folder");
        let marks = ["release", "debug", "aarch64-unknown-linux-gnu/release"]
            .map(|profile| target.path().join(profile).join(".fingerprint"));
        for mark in &marks {
            for name in ["mazetd-01", "mazet-model-02", "serde-03"] {
                fs::create_dir_all(mark.join(name)).expect("made");
            }
        }
        forget_members(target.path()).expect("forgotten");
        for mark in &marks {
            let left: Vec<_> = fs::read_dir(mark).expect("listed").flatten().map(|e| e.file_name()).collect();
            assert_eq!(left, ["serde-03"]);
        }
    }
}
