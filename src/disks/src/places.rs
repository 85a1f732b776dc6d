//! Where things are on the box.
//!
//! ```text
//! /srv                                          the file system that is watched
//! /srv/mazet-disks/state.json                   what was seen and done: `state`
//!                 /hashes.db                    duperemove's
//! /srv/mazet/secrets/disks-replace/*.json       serial numbers that were typed: `confirmed`
//! ```

use std::path::PathBuf;

use clap::Args;

/// Folders; trials have others.
#[derive(Debug, Clone, Args)]
pub struct Places {
    /// The box's root
    #[arg(long, value_name = "FOLDER", default_value = "/")]
    pub root: PathBuf,
    /// The box's data
    #[arg(long, value_name = "FOLDER", default_value = "/srv")]
    pub data: PathBuf,
    /// What was seen and done
    #[arg(long, value_name = "FOLDER", default_value = "/srv/mazet-disks")]
    pub state: PathBuf,
    /// Serial numbers that were typed
    #[arg(long, value_name = "FOLDER", default_value = "/srv/mazet/secrets/disks-replace")]
    pub confirmed: PathBuf,
    /// Files that are disks (loop devices) are disks of the machine, too: for trials
    #[arg(long, hide = true)]
    pub loops: bool,
}

impl Places {
    /// The box's data, as programs are told it.
    pub fn data(&self) -> String {
        self.data.to_string_lossy().into_owned()
    }
}
