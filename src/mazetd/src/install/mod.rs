//! Installing the box to its disks.
//!
//! | stage | module | what |
//! |---|---|---|
//! | partition | [`disk`], [`layout`], [`boot`] | old signatures go, a partition table comes |
//! | format | [`disk`], [`mounts`] | the file systems, mounted as the box will see them |
//! | instead, where data stays, or was being put back | [`keep`] | nothing starts from the disks any more; the subvolume `root` goes, and comes anew |
//! | unpack | [`tree`] | the live system's layers, merged and copied |
//! | boot | [`boot`] | rescue system, kernel, what the hardware's firmware needs |
//! | settings, where a backup is put back | [`restore`] | all that it holds |
//! | settings | [`settings`] | box.toml, secrets, and all that is rendered from them |
//! | check | [`check`], [`boot`] | everything read back; then the disks are made bootable |
//!
//! A box that runs is given another disk by [`further`].
//!
//! A disk becomes bootable in the last step alone: after a power cut the stick or card boots again,
//! and a second run wipes and starts anew. Data that stays is touched by neither.

pub mod boot;
mod check;
pub mod copy;
pub mod disk;
pub mod further;
mod keep;
pub mod layout;
pub mod mounts;
mod progress;
pub mod restore;
mod settings;
mod tree;

use std::path::Path;

use anyhow::{Context, Result};
use mazet_model::backup::RESTORING;
use mazet_model::wizard::Plan;

pub use copy::files_below;
pub use progress::{Reporter, first_progress};

use self::boot::Work;
use crate::run::Runner;
use crate::{boxes, medium, system};

/// Installs `plan` from the running live system, telling `reporter` how far it is.
///
/// # Errors
/// With the chain of what failed; the disks are then not bootable.
pub fn install(plan: &Plan, runner: &Runner, reporter: &Reporter) -> Result<()> {
    let medium = Path::new(medium::PATH);
    let image = system::image(Path::new("/"))?;
    let boot = boot::of(&image.hardware)?;
    let mut target = layout::target(plan, boot)?;
    let begun = match plan {
        Plan::Restore(plan) => restore::begun(plan, boot, runner).context("looking at the disks")?,
        Plan::New(_) | Plan::Keep(_) => None,
    };
    // What is found there stays when there is data that stays.
    let witness = match (plan, begun) {
        (Plan::Keep(_), _) => Some(boxes::in_data(system::BOX_TOML)),
        (_, Some(uuid)) => {
            eprintln!("<5>the backup was being put back onto this disk: it goes on");
            target.uuid = uuid;
            Some(Path::new(RESTORING))
        }
        _ => None,
    };

    let stage = reporter.stage("partition");
    match witness {
        None => disk::partition(&target, boot, runner).context("partitioning")?,
        Some(_) => keep::close_off(&target).context("taking the old system out of use")?,
    }
    stage.done();

    let stage = reporter.stage("format");
    let machine_id = match witness {
        None => disk::format(&target, runner).context("making the file systems").map(|()| None)?,
        Some(witness) => keep::make_root(&target, witness, runner).context("removing the old system")?,
    };
    let mounted = mounts::mount_target(&target).context("mounting the new file systems")?;
    stage.done();

    let stage = reporter.stage("unpack");
    tree::unpack(&image, mounted.root(), runner, &stage).context("copying the system")?;
    stage.done();

    let stage = reporter.stage("boot");
    let work = Work { target: &target, image: &image, medium, mounts: &mounted, stage: &stage };
    let mut written = boot.install(&work).context("making it start")?;
    stage.done();

    let stage = reporter.stage("settings");
    if let Plan::Restore(plan) = plan {
        restore::put_back(plan, &target, runner, &stage).context("putting the backup back")?;
    }
    let settings = match plan {
        Plan::New(plan) => settings::install(plan, &target, mounted.root(), runner),
        Plan::Keep(_) | Plan::Restore(_) => settings::keep(machine_id, &target, mounted.root(), runner),
    };
    written.extend(settings.context("keeping the settings")?);
    stage.done();

    let stage = reporter.stage("check");
    mounted.close().context("unmounting the new file systems")?;
    check::check(&target, &written, runner, &stage).context("reading back what was written")?;
    boot.seal(&target, medium).context("making the disks bootable")?;
    stage.done();
    Ok(())
}
