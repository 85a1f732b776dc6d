//! The view of the machine that the checks are given.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::paths;

/// Who runs the tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Login name; the number when there is no name.
    pub name: String,
    /// Numeric user id; 0 is root.
    pub id: u32,
}

/// The file system that holds a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileSystem {
    /// Device number: the same for two paths on one file system.
    pub device: u64,
    /// Bytes that an ordinary user may still write.
    pub free: u64,
}

/// What became of opening `/dev/kvm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kvm {
    /// There is no such device.
    Absent,
    /// It is there, and this user may not open it.
    Forbidden,
    /// It opens. Whether it can run a kernel is probed at each boot.
    Opens,
}

/// What the checks may ask of a machine. Nothing here changes it.
pub trait Host {
    /// Who runs the tool.
    fn user(&self) -> User;
    /// Is a program of this name on `PATH` (or in the system's own folders)?
    fn has_program(&self, name: &str) -> bool;
    /// Is there a file at this path?
    fn has_file(&self, path: &str) -> bool;
    /// The contents of a text file, when it is there and readable.
    fn read(&self, path: &str) -> Option<String>;
    /// First line of `PROGRAM --version`, when it runs and succeeds.
    fn version(&self, program: &str) -> Option<String>;
    /// Makes a user namespace with mapped ids and mounts in it, as a build does.
    ///
    /// # Errors
    /// The last line that `unshare` said.
    fn try_user_namespace(&self) -> Result<(), String>;
    /// The file system of a path, or of its nearest ancestor that exists.
    fn file_system(&self, path: &Path) -> Option<FileSystem>;
    /// What became of opening `/dev/kvm`.
    fn kvm(&self) -> Kvm;
}

/// The machine that the tool runs on.
#[derive(Debug, Clone, Copy)]
pub struct ThisHost;

impl Host for ThisHost {
    fn user(&self) -> User {
        let id = rustix::process::geteuid().as_raw();
        let name = fs::read_to_string("/etc/passwd").ok().and_then(|text| login_name(&text, id));
        User { name: name.unwrap_or_else(|| id.to_string()), id }
    }

    fn has_program(&self, name: &str) -> bool {
        search_folders().iter().any(|folder| folder.join(name).is_file())
    }

    fn has_file(&self, path: &str) -> bool {
        Path::new(path).is_file()
    }

    fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(path).ok()
    }

    fn version(&self, program: &str) -> Option<String> {
        let output = Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout);
        output.status.success().then(|| text.lines().next().unwrap_or_default().to_owned())
    }

    fn try_user_namespace(&self) -> Result<(), String> {
        // With --mount: Ubuntu lets the namespace be made and then denies every right in it.
        let output = Command::new("unshare")
            .args(["--user", "--map-auto", "--map-root-user", "--mount", "true"])
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("running unshare: {error}"))?;
        if output.status.success() {
            return Ok(());
        }
        let words = String::from_utf8_lossy(&output.stderr);
        Err(words.lines().last().unwrap_or("unshare failed without a word").to_owned())
    }

    fn file_system(&self, path: &Path) -> Option<FileSystem> {
        let existing = path.ancestors().find(|ancestor| ancestor.exists())?;
        let device = fs::metadata(existing).ok()?.dev();
        Some(FileSystem { device, free: paths::free(existing)? })
    }

    fn kvm(&self) -> Kvm {
        if !Path::new("/dev/kvm").exists() {
            return Kvm::Absent;
        }
        match OpenOptions::new().read(true).write(true).open("/dev/kvm") {
            Ok(_) => Kvm::Opens,
            Err(_) => Kvm::Forbidden,
        }
    }
}

/// Login name of an id in the text of `/etc/passwd` (passwd(5)).
fn login_name(passwd: &str, id: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == id.to_string()).then(|| name.to_owned())
    })
}

/// `PATH`, and the folders of administration programs that ordinary users of Debian lack in it.
fn search_folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(["/usr/sbin", "/sbin"].map(PathBuf::from));
    folders
}
