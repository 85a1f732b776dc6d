//! `mazet`: turns a recipe into a bootable image. From command to function.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Parser as _;
use mazet::build::{Build, Options};
use mazet::cli::{Action, Cli};
use mazet::paths::{Cache, Project};
use mazet::plan::Asking;
use mazet::timer::Timer;
use mazet::ui::Ui;
use mazet::{cli, sandbox};
use mazet_model::manifest::Manifest;
use mazet_model::recipe::Recipe;

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mazet: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<()> {
    match cli.command {
        Action::Build(order) => build(&order),
        Action::Sandbox(words) => match sandbox::enter(&words.description, &words.words)? {},
        _ => Ok(()),
    }
}

fn build(order: &cli::Build) -> Result<()> {
    let (project, cache, ui) = (Project::find()?, Cache::find()?, Ui::new());
    let text = std::fs::read_to_string(project.root.join(format!("recipes/{}.toml", order.recipe)))?;
    let recipe: Recipe = toml::from_str(&text).context("recipe")?;
    let mut services = Vec::new();
    for name in &recipe.image.services {
        let text = std::fs::read_to_string(project.services().join(format!("{name}.toml")))?;
        services.push(toml::from_str::<Manifest>(&text).context("manifest")?);
    }
    let asking = Asking { locked: order.locked.clone(), offline: order.offline, refresh: order.refresh };
    let output = order.output.clone().unwrap_or_else(|| project.images());
    let options = Options { asking, mirror: order.mirror.clone(), output };
    let mut timer = Timer::default();
    let built = Build {
        project: &project,
        cache: &cache,
        ui: &ui,
        recipe: &recipe,
        services: &services,
        options: &options,
        timer: &mut timer,
    }
    .run()?;
    for stage in &timer.stages {
        eprintln!("{:20} {:8.2} {:7} {}", stage.name, stage.seconds, stage.cached, stage.bytes);
    }
    println!("{}", built.image.display());
    Ok(())
}
