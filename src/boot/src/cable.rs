//! A network cable between two machines: an Ethernet segment with nothing else on it.
//!
//! The user-mode network of a machine is its own. For two guests that must meet, a cable
//! joins a second card of each; frames travel as datagrams between two Unix sockets, so
//! no port of the host is taken and nobody else can listen.

use std::path::PathBuf;

use tempfile::TempDir;

use crate::error::BootError;
use crate::firmware::Firmware;

/// The cable. It must outlive the machines that it joins.
#[derive(Debug)]
pub struct Cable {
    folder: TempDir,
}

/// One end of a cable, for [`crate::Machine::plugged`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plug {
    /// The address of the card at this end, as the guest writes it.
    pub mac: &'static str,
    own: PathBuf,
    other: PathBuf,
}

impl Cable {
    /// A cable with both ends free.
    ///
    /// # Errors
    /// When no folder of temporary files can be made.
    pub fn new() -> Result<Self, BootError> {
        let temporary = std::env::temp_dir();
        let folder = tempfile::Builder::new().prefix("mazet-cable-").tempdir_in(&temporary);
        Ok(Self { folder: folder.map_err(BootError::file("making a folder in", &temporary))? })
    }

    /// Its two ends, each for one machine.
    pub fn ends(&self) -> [Plug; 2] {
        let path = |name: &str| self.folder.path().join(name);
        [
            Plug { mac: "52:54:00:6d:7a:01", own: path("1"), other: path("2") },
            Plug { mac: "52:54:00:6d:7a:02", own: path("2"), other: path("1") },
        ]
    }
}

impl Plug {
    /// QEMU's arguments for the card at this end.
    pub(crate) fn arguments(&self, firmware: Firmware) -> Vec<String> {
        let (own, other) = (self.own.display(), self.other.display());
        vec![
            "-netdev".to_owned(),
            format!("dgram,id=cable,local.type=unix,local.path={own},remote.type=unix,remote.path={other}"),
            "-device".to_owned(),
            match firmware {
                // A Pi has no slots: as its own Ethernet, this card is behind USB.
                Firmware::Raspi3b => format!("usb-net,netdev=cable,mac={}", self.mac),
                _ => format!("virtio-net-pci,netdev=cable,mac={},romfile=", self.mac),
            },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_speaks_to_the_other() {
        let cable = Cable::new().expect("cable");
        let [one, two] = cable.ends();
        assert_eq!((&one.own, &one.other), (&two.other, &two.own));
        assert_ne!(one.own, one.other);
        assert_ne!(one.mac, two.mac);
    }
}
