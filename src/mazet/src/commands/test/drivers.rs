//! Has a finished image a driver for every device between a board and its disks and network?
//!
//! For boards that no machine here stands in for. What they need stands in `firmware/<hardware>/drivers`.

use std::path::Path;

use anyhow::{Context as _, Result};

use super::{Setting, boot};
use crate::inspect;
use crate::inspect::gpt::SECTOR;
use crate::run::Command;
use crate::sandbox::Sandbox;

/// The list, in the hardware's folder.
const LIST: &str = "drivers";

/// The check of the image of `recipe`, with `scratch` for what is taken out of it; none when its hardware
/// has no list.
///
/// # Errors
/// When the image cannot be read, or the tools tree cannot be made.
pub fn command(setting: &Setting, recipe: &str, hardware: &str, scratch: &Path) -> Result<Option<Command>> {
    let firmware = setting.project.firmware(hardware);
    let list = firmware.join(LIST);
    if !list.exists() {
        return Ok(None);
    }
    let images = setting.project.images();
    let image = images.join(format!("{recipe}.img"));
    let partitions = inspect::inspect(&image)?.partitions;
    let fat = partitions.first().with_context(|| format!("{} has no partition", image.display()))?;
    let command = Sandbox::new(&boot::tools(setting, recipe)?)
        .share(&images)
        .share(&firmware)
        .share(scratch)
        .command("looking for drivers in the image", "sh")?
        .args(["-euc", include_str!("drivers.sh"), "drivers"])
        .arg(image)
        .arg((fat.first_sector * SECTOR).to_string())
        .args([scratch, &list]);
    Ok(Some(command))
}
