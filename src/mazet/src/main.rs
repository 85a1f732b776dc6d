//! `mazet`: turns a recipe into a bootable image.

use std::process::ExitCode;

use clap::Parser as _;
use mazet::cli::Cli;
use mazet::commands;
use mazet::flash::answers::Faults;
use mazet::flash::choose::Unfit;
use mazet::lock::LockError;
use mazet::recipe;

fn main() -> ExitCode {
    match commands::run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("mazet: {error:#}");
            code(&error)
        }
    }
}

/// 2 where the user's recipe, lock, answers or choice of device is at fault, 1 elsewhere.
fn code(error: &anyhow::Error) -> ExitCode {
    if let Some(failure) = error.downcast_ref::<recipe::Failure>() {
        return ExitCode::from(failure.code());
    }
    let unfit = error.downcast_ref::<Unfit>().is_some() || error.downcast_ref::<Faults>().is_some();
    let lock = error.downcast_ref::<LockError>().is_some();
    if lock || unfit { ExitCode::from(commands::FAULT) } else { ExitCode::FAILURE }
}
