//! An answer of the root half that an open file comes with (SCM_RIGHTS, unix(7)): what this half may not open by
//! itself, and is handed to read.

use std::fs::File;
use std::io::{self, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

/// Longest answer, in bytes.
const LONGEST: u64 = 64 * 1024;

/// Sends a line, and gives the line that answers it and the file that came with its beginning.
///
/// # Errors
/// When the socket fails, or says nothing for so long.
pub fn ask(socket: &Path, line: &[u8], patience: Duration) -> io::Result<(String, Option<File>)> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    stream.write_all(line)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut beside = RecvAncillaryBuffer::new(&mut space);
    let mut begun = [0; 4096];
    let got = recvmsg(&stream, &mut [IoSliceMut::new(&mut begun)], &mut beside, RecvFlags::CMSG_CLOEXEC)?;
    let files = beside.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(files) => Some(files),
        _ => None,
    });
    let file = files.flatten().next().map(File::from);
    let mut answer = begun[..got.bytes].to_vec();
    let mut rest = stream.take(LONGEST);
    while answer.last().is_some_and(|last| *last != b'\n') {
        let mut more = [0; 4096];
        let count = rest.read(&mut more)?;
        if count == 0 {
            break;
        }
        answer.extend_from_slice(&more[..count]);
    }
    let answer =
        String::from_utf8(answer).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    Ok((answer, file))
}
