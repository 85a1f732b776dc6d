//! Opening a stick: the one step that may need privileges.
//!
//! An ordinary user may not open `/dev/sdb`. Then this very program is started once more through
//! `sudo`, `run0` or `pkexec`, as a hidden subcommand ([`give`]) that does nothing but open that
//! one device and hand the open file back through its standard input, a socket (unix(7),
//! `SCM_RIGHTS`). It writes nothing. It looks for itself whether the device may be erased, and
//! opens it so that nobody else may hold it. Image, network, answers: all stay with the ordinary
//! process, which has the open device and no privilege.

use std::fs::File;
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};

use super::choose::Target;
use super::devices::{self, Device};
use super::medium::{Disk, device_flags};
use crate::run::{Command, Program};
use crate::sandbox::own;

/// The hidden subcommand that [`give`]s.
pub const SUBCOMMAND: &str = "internal-open-device";

/// Opens a target for writing, asking for privileges where they are needed.
///
/// # Errors
/// When somebody holds the device, or privileges are refused.
pub fn open(target: &Target) -> Result<Disk> {
    match target {
        Target::File { path, .. } => {
            Disk::of_file(path).with_context(|| format!("opening {} for writing", path.display()))
        }
        Target::Device(device) => match open_device(&device.path()) {
            Ok(file) => Ok(Disk::new(file)),
            Err(Errno::ACCESS | Errno::PERM) => with_privileges(device).map(Disk::new),
            Err(errno) => Err(refused(device, errno)),
        },
    }
}

fn open_device(path: &Path) -> Result<File, Errno> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC | device_flags();
    rustix::fs::open(path, flags, Mode::empty()).map(File::from)
}

fn refused(device: &Device, errno: Errno) -> anyhow::Error {
    let name = &device.name;
    match errno {
        Errno::BUSY => {
            anyhow!("{name} is in use: something mounts it or holds it (findmnt, lsblk and dmsetup ls tell)")
        }
        Errno::NOENT | Errno::NXIO | Errno::NODEV | Errno::NOMEDIUM => {
            anyhow!("{name} is gone: it was unplugged")
        }
        errno => anyhow!(std::io::Error::from(errno)).context(format!("opening {}", device.path().display())),
    }
}

/// Programs that start others with privileges, the first that is there is used. On a terminal
/// `sudo` and `run0` ask there; `pkexec` asks in a window.
const ASKERS: [Program; 3] = [Program::Sudo, Program::Run0, Program::Pkexec];

fn with_privileges(device: &Device) -> Result<File> {
    let name = &device.name;
    let Some(asker) = ASKERS.into_iter().find(|program| program.is_there()) else {
        bail!(
            "{name} may not be opened by you, and none of sudo, run0 and pkexec is there: run this as root"
        );
    };
    let (ours, theirs) = UnixStream::pair().context("making a socket")?;
    let program = own::path()?;
    eprintln!("opening {name} needs privileges: {} asks for them, for this step alone", asker.name());
    Command::new(asker, format!("opening {name} with privileges"))
        .arg(program)
        .args([SUBCOMMAND, name, &device.serial])
        .hand(OwnedFd::from(theirs))?;
    let file = receive(&ours).with_context(|| format!("taking over the open {name}"))?;
    is_device(&file, name)?;
    Ok(file)
}

/// The hidden subcommand's work, with privileges: opens the disk `name`, if it may be erased and
/// has this serial number, and hands it over through standard input.
///
/// # Errors
/// When it may not be erased, or cannot be opened.
pub fn give(name: &str, serial: &str) -> Result<()> {
    let all = devices::scan()?;
    let Some(device) = all.iter().find(|device| device.name == name && device.serial == serial) else {
        bail!("there is no disk {name} with the serial number \"{serial}\"");
    };
    if let Some(why) = &device.refusal {
        bail!("{name} is not erased: {why}");
    }
    let file = open_device(&device.path()).map_err(|errno| refused(device, errno))?;
    is_device(&file, name)?;
    send(&std::io::stdin(), &file)
}

/// Is this open file the whole disk `name`?
fn is_device(file: &File, name: &str) -> Result<()> {
    let stat = rustix::fs::fstat(file).with_context(|| format!("looking at {name}"))?;
    let number = format!("{}:{}", rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev));
    let path = format!("/sys/block/{name}/dev");
    let expected = std::fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    let is_block = rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::BlockDevice;
    if !is_block || expected.trim() != number {
        bail!("what was opened as {name} is another device ({number})");
    }
    Ok(())
}

/// Sends an open file through a socket.
fn send(socket: &impl std::os::fd::AsFd, file: &File) -> Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut message = SendAncillaryBuffer::new(&mut space);
    let files = [file.as_fd()];
    if !message.push(SendAncillaryMessage::ScmRights(&files)) {
        bail!("an open file does not fit into a message");
    }
    sendmsg(socket, &[IoSlice::new(b"1")], &mut message, SendFlags::empty()).context(
        "handing the open device over: standard input must be the socket that `mazet flash` makes",
    )?;
    Ok(())
}

/// Takes an open file from a socket.
fn receive(socket: &UnixStream) -> Result<File> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut message = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    recvmsg(socket, &mut [IoSliceMut::new(&mut byte)], &mut message, RecvFlags::CMSG_CLOEXEC)
        .context("reading from the socket")?;
    let files = message.drain().filter_map(|part| match part {
        RecvAncillaryMessage::ScmRights(files) => Some(files),
        _ => None,
    });
    match files.flatten().next() {
        Some(file) => Ok(File::from(file)),
        None => bail!("no open file came"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Seek as _, Write as _};

    use super::*;

    #[test]
    fn an_open_file_passes_through_a_socket_with_its_rights() {
        let mut file = tempfile::tempfile().expect("file");
        file.write_all(b"device").expect("written");
        let (ours, theirs) = UnixStream::pair().expect("socket");
        send(&theirs, &file).expect("sent");
        drop((theirs, file));
        let mut taken = receive(&ours).expect("taken");
        taken.rewind().expect("sought");
        let mut text = String::new();
        taken.read_to_string(&mut text).expect("read");
        assert_eq!(text, "device");
        assert!(receive(&ours).expect_err("nothing more").to_string().contains("no open file came"));
    }

    #[test]
    fn another_file_is_not_taken_for_the_device() {
        let file = tempfile::tempfile().expect("file");
        assert!(is_device(&file, "no-such-disk").is_err());
    }

    #[test]
    fn what_is_no_removable_disk_is_not_given() {
        let error = give("no-such-disk", "").expect_err("refused").to_string();
        assert_eq!(error, "there is no disk no-such-disk with the serial number \"\"");
    }
}
