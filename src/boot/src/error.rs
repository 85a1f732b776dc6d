//! What can go wrong around a guest, before or beside its own failures.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::verdict::Failure;

/// Why a machine could not be prepared, started or spoken to.
#[derive(Debug, Error)]
pub enum BootError {
    /// A file or socket of the host.
    #[error("{doing} {}: {source}", path.display())]
    File {
        /// What was done, as a gerund: "creating", "reading".
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A program of the tools tree that could not be started at all.
    #[error("starting `{command}`: {source}; is the tools tree complete? `mazet doctor` tells")]
    Start {
        /// The command as one would type it.
        command: String,
        /// What the system said.
        source: io::Error,
    },
    /// A program of the tools tree that failed.
    #[error("running `{command}`: it ended with {status}\n{stderr}")]
    Program {
        /// The command as one would type it.
        command: String,
        /// How it ended.
        status: String,
        /// The last lines that it said.
        stderr: String,
    },
    /// An image that is not what it should be.
    #[error("reading {}: {why}", path.display())]
    Image {
        /// The image.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// QEMU ended before its monitor answered.
    #[error("starting QEMU: {why}\n{stderr}")]
    Qemu {
        /// What happened.
        why: String,
        /// The last lines that it said.
        stderr: String,
    },
    /// QEMU's monitor refused a command or is gone.
    #[error("asking QEMU's monitor for `{command}`: {why}")]
    Monitor {
        /// The QMP command.
        command: String,
        /// Its answer.
        why: String,
    },
    /// The guest's shell did not answer.
    #[error("running `{script}` in the guest: {why}")]
    Guest {
        /// The script's first line.
        script: String,
        /// What happened.
        why: String,
    },
}

impl BootError {
    /// A closure for `map_err` that says what was done to which file.
    pub fn file<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self::File { doing, path: path.to_owned(), source }
    }

    /// The verdict that a boot ends with when this error stops it.
    pub fn failure(&self) -> Failure {
        match self {
            Self::Qemu { .. } | Self::Monitor { .. } => Failure::QemuStart,
            _ => Failure::HostSetup,
        }
    }
}
