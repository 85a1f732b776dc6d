//! The only door to the disk. Everything is opened from one folder by openat2(2), which leaves it by
//! neither `..` nor a symbolic link, whoever put that there.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{self, AtFlags, Mode, OFlags, RenameFlags, ResolveFlags, Stat, Timespec, Timestamps};
use rustix::io::Errno;

/// Where files are written before they have their names.
pub(crate) const INCOMING: &str = "incoming";
/// The file of an upload that comes in pieces, in a folder of its own.
const PIECES: &str = "pieces";
/// Nothing that is opened leads elsewhere.
const WITHIN: ResolveFlags =
    ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);

/// The folder of all files.
pub(crate) struct Disk {
    root: OwnedFd,
}

/// Names from the folder of all files down to a file or folder.
pub(crate) type Names = Vec<String>;

/// What the disk says of a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Facts {
    pub is_folder: bool,
    /// Bytes; 0 for a folder.
    pub size: i64,
    pub inode: i64,
    /// When its content last changed: nanoseconds since 1970.
    pub modified: i64,
    /// When anything about it last changed: nanoseconds since 1970.
    pub changed: i64,
}

impl From<&Stat> for Facts {
    fn from(stat: &Stat) -> Self {
        let nanoseconds = |seconds: i64, rest: u64| {
            seconds.saturating_mul(1_000_000_000).saturating_add(i64::try_from(rest).unwrap_or_default())
        };
        let is_folder = fs::FileType::from_raw_mode(stat.st_mode).is_dir();
        Self {
            is_folder,
            size: if is_folder { 0 } else { stat.st_size },
            // 64 bits without a sign in PostgreSQL's 64 with one: only ever compared.
            inode: i64::from_ne_bytes(stat.st_ino.to_ne_bytes()),
            modified: nanoseconds(stat.st_mtime, stat.st_mtime_nsec),
            changed: nanoseconds(stat.st_ctime, stat.st_ctime_nsec),
        }
    }
}

/// Something in a folder.
#[derive(Debug)]
pub(crate) struct Listed {
    pub name: String,
    pub facts: Facts,
}

/// A file in [`INCOMING`], which has no other name yet.
pub(crate) struct Temporary {
    pub name: String,
    pub file: File,
}

impl Disk {
    /// The folder of all files, with those below it that must be there.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = fs::open(folder, flags, Mode::empty())?;
        let disk = Self { root };
        for name in [INCOMING, "people", "organisations", "groups"] {
            make(&disk.root, name)?;
        }
        Ok(disk)
    }

    /// The folder `inner` (names with `/` between them) of `folder`, as it is: nothing is made in it.
    pub(crate) fn within(folder: &Path, inner: &str) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = fs::open(folder, flags, Mode::empty())?;
        Ok(Self { root: fs::openat2(&folder, inner, flags, Mode::empty(), WITHIN)? })
    }

    /// Opens a folder.
    pub(crate) fn folder(&self, names: &[String]) -> io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let path = if names.is_empty() { ".".to_owned() } else { names.join("/") };
        Ok(fs::openat2(&self.root, path, flags, Mode::empty(), WITHIN)?)
    }

    /// What is in a folder: files and folders. What has a name that is no text, or is neither, is left out.
    pub(crate) fn list(&self, names: &[String]) -> io::Result<Vec<Listed>> {
        let folder = self.folder(names)?;
        let mut listed = Vec::new();
        for entry in fs::Dir::read_from(&folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            if name == "." || name == ".." {
                continue;
            }
            match stat_at(&folder, name) {
                Ok(facts) => listed.push(Listed { name: name.to_owned(), facts }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(listed)
    }

    /// Opens a file to be read. What is no file (a device, a pipe) is not opened.
    pub(crate) fn file(&self, names: &[String]) -> io::Result<File> {
        self.file_within(names, WITHIN)
    }

    /// The same where the kernel has all on the way in memory, and so does not wait for the disk.
    pub(crate) fn file_now(&self, names: &[String]) -> Option<File> {
        self.file_within(names, WITHIN | ResolveFlags::CACHED).ok()
    }

    fn file_within(&self, names: &[String], within: ResolveFlags) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = fs::openat2(&self.root, names.join("/"), flags, Mode::empty(), within)?;
        if !fs::FileType::from_raw_mode(fs::fstat(&file)?.st_mode).is_file() {
            return Err(Errno::NOENT.into());
        }
        Ok(File::from(file))
    }

    /// Opens a file to be written to.
    pub(crate) fn written(&self, names: &[String]) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(File::from(fs::openat2(&self.root, names.join("/"), flags, Mode::empty(), WITHIN)?))
    }

    /// Makes a folder that may be there already, and those above it.
    pub(crate) fn make_all(&self, names: &[String]) -> io::Result<OwnedFd> {
        let mut folder =
            fs::openat2(&self.root, ".", OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty(), WITHIN)?;
        for name in names {
            make(&folder, name)?;
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            folder = fs::openat2(&folder, name, flags, Mode::empty(), WITHIN)?;
        }
        Ok(folder)
    }

    /// Makes a folder that must not be there, and says what it is like.
    pub(crate) fn make(&self, names: &[String]) -> io::Result<Facts> {
        let (folder, name) = self.at(names)?;
        fs::mkdirat(&folder, name, Mode::from_raw_mode(0o750))?;
        stat_at(&folder, name)
    }

    /// What is there.
    pub(crate) fn facts(&self, names: &[String]) -> io::Result<Facts> {
        let (folder, name) = self.at(names)?;
        stat_at(&folder, name)
    }

    /// Moves; nothing may be at the new place.
    pub(crate) fn rename(&self, from: &[String], to: &[String]) -> io::Result<()> {
        self.renamed(from, to, RenameFlags::NOREPLACE)
    }

    /// Both must be there: each takes the other's place.
    pub(crate) fn exchange(&self, one: &[String], other: &[String]) -> io::Result<()> {
        self.renamed(one, other, RenameFlags::EXCHANGE)
    }

    fn renamed(&self, from: &[String], to: &[String], how: RenameFlags) -> io::Result<()> {
        let (from_folder, from) = self.at(from)?;
        let (to_folder, to) = self.at(to)?;
        Ok(fs::renameat_with(&from_folder, from, &to_folder, to, how)?)
    }

    /// Names are on the disk for good when this returns.
    pub(crate) fn flush(&self, folder: &[String]) -> io::Result<()> {
        Ok(fs::fsync(self.folder(folder)?)?)
    }

    /// A new, empty file.
    pub(crate) fn file_made(&self, names: &[String]) -> io::Result<()> {
        let (folder, name) = self.at(names)?;
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        fs::openat(&folder, name, flags, Mode::from_raw_mode(0o640))?;
        Ok(())
    }

    /// A new file without a place.
    pub(crate) fn temporary(&self) -> io::Result<Temporary> {
        let name = unique()?;
        let folder = self.folder(&[INCOMING.to_owned()])?;
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = fs::openat(&folder, &name, flags, Mode::from_raw_mode(0o640))?;
        Ok(Temporary { name, file: File::from(file) })
    }

    /// The file of an upload that goes on when the program ended: alone in a folder. `make`: it is not there
    /// yet.
    pub(crate) fn lasting(&self, upload: &str, make: bool) -> io::Result<File> {
        let folder = incoming(upload);
        let (mut flags, mut mode) = (OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty());
        if make {
            self.make(&folder)?;
            flags |= OFlags::CREATE | OFlags::EXCL;
            mode = Mode::from_raw_mode(0o640);
        }
        let folder = self.folder(&folder)?;
        Ok(File::from(fs::openat2(&folder, PIECES, flags, mode, WITHIN)?))
    }

    /// The upload is whole: its file lies with those that are on their way, under the name that is given
    /// back, and its folder is gone.
    pub(crate) fn lasts_no_more(&self, upload: &str) -> io::Result<String> {
        let (folder, name) = (incoming(upload), unique()?);
        let file = [folder.clone(), vec![PIECES.to_owned()]].concat();
        self.rename(&file, &incoming(&name))?;
        self.remove(&folder)?;
        Ok(name)
    }

    /// Removes what was on its way when the program ended.
    pub(crate) fn clear_incoming(&self) -> io::Result<()> {
        for listed in self.list(&[INCOMING.to_owned()])? {
            // Uploads in pieces go on, and have folders.
            if !listed.facts.is_folder {
                self.remove(&incoming(&listed.name))?;
            }
        }
        Ok(())
    }

    /// Removes a file or a folder with all that is in it; what is not there is none.
    pub(crate) fn remove(&self, names: &[String]) -> io::Result<()> {
        let (folder, name) = self.at(names)?;
        remove_at(&folder, &CString::new(name)?)
    }

    /// Free bytes, and bytes in all.
    pub(crate) fn free(&self) -> io::Result<(u64, u64)> {
        let figures = fs::fstatvfs(&self.root)?;
        let bytes = |blocks: u64| blocks.saturating_mul(figures.f_frsize);
        Ok((bytes(figures.f_bavail), bytes(figures.f_blocks)))
    }

    /// The folder that a name stands in, and the name.
    fn at<'a>(&self, names: &'a [String]) -> io::Result<(OwnedFd, &'a str)> {
        let (name, folder) = names.split_last().ok_or(Errno::INVAL)?;
        Ok((self.folder(folder)?, name))
    }
}

/// Where a temporary file or folder lies.
pub(crate) fn incoming(name: &str) -> Names {
    vec![INCOMING.to_owned(), name.to_owned()]
}

/// A name that nothing has.
pub(crate) fn unique() -> io::Result<String> {
    let random = getrandom::u64()?.to_be_bytes().into_iter().chain(getrandom::u64()?.to_be_bytes());
    Ok(random.map(|byte| format!("{byte:02x}")).collect())
}

/// What the disk says of an open file.
pub(crate) fn facts_of(file: &File) -> io::Result<Facts> {
    Ok((&fs::fstat(file)?).into())
}

/// Gives a file the time of its last change.
pub(crate) fn set_modified(file: &File, time: SystemTime) -> io::Result<()> {
    let (seconds, rest) = match time.duration_since(UNIX_EPOCH) {
        Ok(since) => (i64::try_from(since.as_secs()).unwrap_or_default(), since.subsec_nanos()),
        Err(before) => (-i64::try_from(before.duration().as_secs()).unwrap_or_default(), 0),
    };
    let time = Timespec { tv_sec: seconds, tv_nsec: rest.into() };
    Ok(fs::futimens(file, &Timestamps { last_access: time, last_modification: time })?)
}

/// Bytes as they are counted here, from what the database has.
pub(crate) fn bytes(size: i64) -> u64 {
    u64::try_from(size).unwrap_or_default()
}

/// A time as [`Facts`] have it.
pub(crate) fn nanoseconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_nanos()).unwrap_or(i64::MAX),
    }
}

/// The time that [`Facts`] have.
pub(crate) fn time(nanoseconds: i64) -> SystemTime {
    let span = Duration::from_nanos(nanoseconds.unsigned_abs());
    if nanoseconds < 0 { UNIX_EPOCH - span } else { UNIX_EPOCH + span }
}

fn make(folder: impl AsFd, name: &str) -> io::Result<()> {
    match fs::mkdirat(folder, name, Mode::from_raw_mode(0o750)) {
        Err(Errno::EXIST) => Ok(()),
        other => Ok(other?),
    }
}

fn stat_at(folder: &OwnedFd, name: &str) -> io::Result<Facts> {
    let stat = fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let kind = fs::FileType::from_raw_mode(stat.st_mode);
    if !kind.is_file() && !kind.is_dir() {
        return Err(Errno::NOENT.into());
    }
    Ok((&stat).into())
}

fn remove_at(folder: &OwnedFd, name: &CStr) -> io::Result<()> {
    match fs::unlinkat(folder, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        Err(Errno::ISDIR) => {}
        Err(error) => return Err(error.into()),
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let inside = fs::openat(folder, name, flags, Mode::empty())?;
    for entry in fs::Dir::read_from(&inside)? {
        let entry = entry?;
        if entry.file_name() != c"." && entry.file_name() != c".." {
            remove_at(&inside, entry.file_name())?;
        }
    }
    Ok(fs::unlinkat(folder, name, AtFlags::REMOVEDIR)?)
}
