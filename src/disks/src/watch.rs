//! A look at the disks, every five minutes.

use anyhow::Result;
use mazet_host::files;
use mazet_host::listing::{self, Listing};

use crate::filesystem::{self, Device};
use crate::places::Places;
use crate::state::{Part, Seen, State};
use crate::tools::{Program, Tools};

/// Looks, and keeps what was seen; also that nothing could be seen.
///
/// # Errors
/// When nothing could be seen, or this cannot be written down.
pub fn run(tools: &Tools, places: &Places) -> Result<()> {
    let known = State::read(&places.state)?.seen.unwrap_or_default();
    let looked = look(tools, places, &known);
    let seen = match &looked {
        Ok(seen) => seen.clone(),
        Err(error) => Seen { at: files::now(), fault: Some(format!("{error:#}")), ..known },
    };
    State::change(&places.state, |state| state.add_seen(seen))?;
    looked.map(drop)
}

fn look(tools: &Tools, places: &Places, known: &Seen) -> Result<Seen> {
    let seen = filesystem::look(tools, &places.data())?;
    let listing = listing::list(&mut tools.command(Program::Lsblk), places.loops)?;
    let room = filesystem::room(&places.data)?;
    let at = files::now();
    let devices = seen.devices.into_iter().map(|device| part(device, &listing, known, at)).collect();
    Ok(Seen { at, fault: None, devices, unmirrored: seen.unmirrored, room })
}

fn part(device: Device, listing: &Listing, known: &Seen, at: i64) -> Part {
    let before = known.devices.iter().find(|part| part.device.id == device.id);
    let disk = match &device.path {
        Some(path) => listing.disk_of(path).map(|(disk, _)| disk),
        None => before.map(|part| part.disk.clone()),
    };
    let earlier = before.map_or(0, |part| part.device.errors.sum());
    let grew = match device.errors.sum() {
        0 => None,
        now if now > earlier => Some(at),
        _ => before.and_then(|part| part.grew),
    };
    Part { device, disk: disk.unwrap_or_default(), grew }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filesystem::Errors;
    use mazet_host::listing::Disk;

    fn device(read: u64, path: Option<&str>) -> Device {
        let errors = Errors { read, ..Errors::default() };
        Device { id: 1, path: path.map(str::to_owned), errors, ..Device::default() }
    }

    #[test]
    fn the_moment_is_kept_when_errors_became_more_and_the_disk_that_is_gone() {
        let listing = Listing::default();
        let first = part(device(2, Some("/dev/sda3")), &listing, &Seen::default(), 7);
        assert_eq!(first.grew, Some(7));
        let disk = Disk { name: "sda".to_owned(), ..Disk::default() };
        let known = Seen { devices: vec![Part { disk: disk.clone(), ..first }], ..Seen::default() };
        assert_eq!(
            part(device(2, None), &listing, &known, 8),
            Part { device: device(2, None), disk, grew: Some(7) }
        );
        assert_eq!(part(device(3, None), &listing, &known, 8).grew, Some(8));
        assert_eq!(part(device(0, None), &listing, &known, 8).grew, None);
    }
}
