//! Running programs of a Debian tree, without root.
//!
//! A command runs in namespaces of its own (user, mount, process), with the tree as its root
//! folder, a small `/dev`, and the host folders that it needs at the paths they have outside.
//! An ordinary user becomes root of a user namespace with its sub-ids (subuid(5)); root itself
//! needs no user namespace. `unshare` makes the namespaces and starts this very program again
//! ([`enter`]), which mounts what is asked for and becomes the command.

mod emulate;
pub mod own;
mod preload;
pub mod users;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use rustix::fs::StatVfsMountFlags;
use rustix::mount::{
    MountFlags, MountPropagationFlags, mount, mount_bind_recursive, mount_change, mount_remount,
};
use serde::{Deserialize, Serialize};

use crate::arch::Architecture;
use crate::run::{Command, Program};

/// The hidden subcommand that [`enter`]s a sandbox.
pub const SUBCOMMAND: &str = "internal-sandbox";

/// What a command sees.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Sandbox {
    /// The tree that becomes `/`.
    pub tree: PathBuf,
    /// Host folders, at the same path inside.
    pub shared: Vec<PathBuf>,
    /// Host folders or files at another path inside: (outside, inside).
    pub binds: Vec<(PathBuf, PathBuf)>,
    /// As `binds`, but read-only, and after everything else.
    pub lent: Vec<(PathBuf, PathBuf)>,
    /// Symbolic links: (path inside, what it says). They stay.
    pub links: Vec<(PathBuf, String)>,
    /// An overlay to mount before anything else.
    pub overlay: Option<Overlay>,
    /// Folder inside that a second, inner root is set up in (its `/dev`, `/proc`, `/sys`), for
    /// commands that chroot there.
    pub inner: Option<PathBuf>,
    /// May it reach the network?
    pub network: bool,
    /// Working folder inside.
    pub cwd: Option<PathBuf>,
    /// Debian's name of an architecture whose programs it starts too: where that is not the
    /// builder's, the tree's own emulator runs them.
    pub foreign: Option<String>,
}

/// An overlay file system (kernel documentation, `filesystems/overlayfs`).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Overlay {
    /// Read-only folders, highest first.
    pub lower: Vec<PathBuf>,
    /// Where changes land.
    pub upper: PathBuf,
    /// Empty folder on the same file system as `upper`.
    pub work: PathBuf,
    /// Where it is mounted.
    pub target: PathBuf,
}

impl Sandbox {
    /// A sandbox on `tree`.
    pub fn new(tree: &Path) -> Self {
        Self { tree: tree.to_owned(), ..Self::default() }
    }

    /// Shares a host folder at the same path.
    #[must_use]
    pub fn share(mut self, folder: &Path) -> Self {
        self.shared.push(folder.to_owned());
        self
    }

    /// Binds a host folder or file to another path inside.
    #[must_use]
    pub fn bind(mut self, outside: &Path, inside: &str) -> Self {
        self.binds.push((outside.to_owned(), PathBuf::from(inside)));
        self
    }

    /// Mounts an overlay and sets it up as the inner root.
    #[must_use]
    pub fn overlay(mut self, overlay: Overlay) -> Self {
        self.inner = Some(overlay.target.clone());
        self.overlay = Some(overlay);
        self
    }

    /// Lends a program or a folder: it is mounted at `inside`, a path in the sandbox, read-only.
    #[must_use]
    pub fn lend(mut self, outside: &Path, inside: &Path) -> Self {
        self.lent.push((outside.to_owned(), inside.to_owned()));
        self
    }

    /// Makes a symbolic link at `inside`, a path in the sandbox, where nothing is.
    #[must_use]
    pub fn link(mut self, inside: &Path, to: &str) -> Self {
        self.links.push((inside.to_owned(), to.to_owned()));
        self
    }

    /// Lets it reach the network.
    #[must_use]
    pub fn network(mut self) -> Self {
        self.network = true;
        self
    }

    /// Sets the working folder.
    #[must_use]
    pub fn cwd(mut self, folder: &str) -> Self {
        self.cwd = Some(PathBuf::from(folder));
        self
    }

    /// Lets it start programs of this architecture (Debian's name).
    ///
    /// # Errors
    /// When Mazet does not know the architecture.
    pub fn running(mut self, architecture: &str) -> Result<Self> {
        self.foreign = Architecture::of(architecture)?.is_foreign().then(|| architecture.to_owned());
        Ok(self)
    }

    /// A command of the tree, ready for its arguments.
    ///
    /// # Errors
    /// When this program cannot be opened.
    pub fn command(&self, doing: impl Into<String>, program: &str) -> Result<Command> {
        let prefix = self.prefix()?;
        let command = match prefix[0].as_str() {
            "unshare" => Command::new(Program::Unshare, doing),
            other => Command::raw(other, doing),
        };
        let command = command.args(&prefix[1..]).arg(program);
        Ok(base_environment().into_iter().fold(command, |c, (name, value)| c.env(name, value)))
    }

    /// The words before a command that run it in this sandbox, for programs that start it
    /// themselves.
    ///
    /// # Errors
    /// When this program cannot be opened.
    pub fn prefix(&self) -> Result<Vec<String>> {
        let program = own::program()?;
        let mut words = Vec::new();
        if self.foreign.is_some() && rustix::process::geteuid().is_root() {
            // Emulators are registered per user namespace: root too needs one of its own, or it
            // would change its host.
            words.extend([program.clone(), users::SUBCOMMAND.to_owned()]);
        }
        words.push("unshare".to_owned());
        words.extend(namespace_flags(self.network).into_iter().map(str::to_owned));
        words.extend(["--".to_owned(), program, SUBCOMMAND.to_owned(), serde_json::to_string(self)?]);
        Ok(words)
    }
}

/// Flags of unshare(1).
fn namespace_flags(network: bool) -> Vec<&'static str> {
    let mut flags = vec!["--mount", "--pid", "--ipc", "--fork", "--kill-child"];
    if !network {
        flags.push("--net");
    }
    if !rustix::process::geteuid().is_root() {
        flags.extend(["--user", "--map-root-user", "--map-auto"]);
    }
    flags
}

/// The same environment for everybody: what a build makes may not depend on the user's.
fn base_environment() -> Vec<(&'static str, OsString)> {
    let mut envs: Vec<(&'static str, OsString)> = Vec::new();
    for (name, value) in [
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ("HOME", "/root"),
        ("LC_ALL", "C.UTF-8"),
        ("LANG", "C.UTF-8"),
        ("TZ", "UTC"),
        ("TMPDIR", "/tmp"),
        ("DEBIAN_FRONTEND", "noninteractive"),
        ("DEBCONF_NONINTERACTIVE_SEEN", "true"),
    ] {
        envs.push((name, value.into()));
    }
    envs
}

/// Becomes a command inside a sandbox: the body of the hidden subcommand. Returns only on
/// failure.
///
/// # Errors
/// When a mount fails or the command cannot be started.
pub fn enter(description: &str, words: &[OsString]) -> Result<std::convert::Infallible> {
    let sandbox: Sandbox = serde_json::from_str(description).context("reading the sandbox's description")?;
    let (program, arguments) = words.split_first().context("no command was given to the sandbox")?;
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::PRIVATE)
        .context("making the mounts private")?;
    let preloaded = preload::told();
    set_up(&sandbox, &preloaded)?;
    rustix::process::chroot(&sandbox.tree).with_context(|| format!("entering {}", sandbox.tree.display()))?;
    let cwd = sandbox.cwd.clone().unwrap_or_else(|| PathBuf::from("/"));
    env::set_current_dir(&cwd).with_context(|| format!("entering {}", cwd.display()))?;
    let error =
        std::process::Command::new(program).args(arguments).envs(preload::environment(&preloaded)).exec();
    Err(anyhow!(error))
        .with_context(|| format!("starting {} in {}", program.to_string_lossy(), sandbox.tree.display()))
}

fn set_up(sandbox: &Sandbox, preloaded: &[PathBuf]) -> Result<()> {
    let tree = &sandbox.tree;
    // A mount point of its own, so that mounts inside stay inside.
    bind(tree, tree)?;
    if let Some(overlay) = &sandbox.overlay {
        mount_overlay(overlay)?;
    }
    system_mounts(tree)?;
    preload::lend(preloaded, tree)?;
    let tmp = tree.join("tmp");
    mount("tmpfs", &tmp, "tmpfs", MountFlags::empty(), Some(c"mode=1777")).context("mounting /tmp")?;
    // Names mean inside what they mean outside.
    for file in ["/etc/resolv.conf", "/etc/hosts"].map(Path::new) {
        if sandbox.network && file.exists() {
            bind_at(file, &below(tree, file))?;
        }
    }
    if let Some(inner) = &sandbox.inner {
        system_mounts(inner)?;
        preload::lend(preloaded, inner)?;
    }
    if let Some(architecture) = &sandbox.foreign {
        emulate::register(tree, Architecture::of(architecture)?)?;
    }
    for folder in &sandbox.shared {
        bind_at(folder, &below(tree, folder))?;
    }
    for (outside, inside) in &sandbox.binds {
        bind_at(outside, &below(tree, inside))?;
    }
    for (inside, to) in &sandbox.links {
        let inside = below(tree, inside);
        if fs::symlink_metadata(&inside).is_err() {
            symlink(to, &inside).with_context(|| format!("linking {}", inside.display()))?;
        }
    }
    for (outside, inside) in &sandbox.lent {
        let inside = below(tree, inside);
        bind_at(outside, &inside)?;
        read_only(&inside)?;
    }
    Ok(())
}

/// `/proc`, `/sys` and the few device nodes that package scripts and QEMU use.
fn system_mounts(tree: &Path) -> Result<()> {
    let none = MountFlags::empty();
    let proc = tree.join("proc");
    if mount("proc", &proc, "proc", none, None).is_err() {
        // Inside some containers only the outer one is allowed.
        bind(Path::new("/proc"), &proc)?;
    }
    bind(Path::new("/sys"), &tree.join("sys"))?;
    let dev = tree.join("dev");
    mount("tmpfs", &dev, "tmpfs", none, Some(c"mode=0755")).context("mounting /dev")?;
    for node in ["null", "zero", "full", "random", "urandom", "tty", "kvm"] {
        let outside = Path::new("/dev").join(node);
        if outside.exists() {
            bind_at(&outside, &dev.join(node))?;
        }
    }
    for folder in ["pts", "shm"] {
        fs::create_dir_all(dev.join(folder)).with_context(|| format!("making /dev/{folder}"))?;
    }
    mount("devpts", dev.join("pts"), "devpts", none, Some(c"newinstance,ptmxmode=0666,mode=0620"))
        .context("mounting /dev/pts")?;
    mount("tmpfs", dev.join("shm"), "tmpfs", none, Some(c"mode=1777")).context("mounting /dev/shm")?;
    for (link, to) in [
        ("ptmx", "pts/ptmx"),
        ("fd", "/proc/self/fd"),
        ("stdin", "fd/0"),
        ("stdout", "fd/1"),
        ("stderr", "fd/2"),
    ] {
        symlink(to, dev.join(link)).with_context(|| format!("linking /dev/{link}"))?;
    }
    Ok(())
}

fn mount_overlay(overlay: &Overlay) -> Result<()> {
    for folder in [&overlay.upper, &overlay.work, &overlay.target] {
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    let lower: Vec<_> = overlay.lower.iter().map(|path| path.display().to_string()).collect();
    // userxattr: marks in a name space that an unprivileged mount may write; the same for root,
    // so that both make the same layer.
    let options = format!(
        "lowerdir={},upperdir={},workdir={},userxattr",
        lower.join(":"),
        overlay.upper.display(),
        overlay.work.display()
    );
    let options = std::ffi::CString::new(options)?;
    mount("overlay", &overlay.target, "overlay", MountFlags::empty(), Some(options.as_c_str()))
        .with_context(|| format!("mounting an overlay at {}", overlay.target.display()))
}

/// Binds a folder or a file, making the mount point first.
fn bind_at(outside: &Path, inside: &Path) -> Result<()> {
    if outside.is_dir() {
        fs::create_dir_all(inside).with_context(|| format!("making {}", inside.display()))?;
    } else if !inside.exists() {
        if let Some(folder) = inside.parent() {
            fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        }
        fs::File::create(inside).with_context(|| format!("making {}", inside.display()))?;
    }
    bind(outside, inside)
}

fn bind(outside: &Path, inside: &Path) -> Result<()> {
    mount_bind_recursive(outside, inside)
        .with_context(|| format!("binding {} to {}", outside.display(), inside.display()))
}

/// Makes a mount read-only. Its other flags stay: what the host forbids on a file system, a
/// namespace may not allow.
fn read_only(path: &Path) -> Result<()> {
    let doing = || format!("making {} read-only", path.display());
    let flags = rustix::fs::statvfs(path).with_context(doing)?.f_flag;
    let pairs = [
        (StatVfsMountFlags::NOSUID, MountFlags::NOSUID),
        (StatVfsMountFlags::NODEV, MountFlags::NODEV),
        (StatVfsMountFlags::NOEXEC, MountFlags::NOEXEC),
        (StatVfsMountFlags::NOATIME, MountFlags::NOATIME),
        (StatVfsMountFlags::NODIRATIME, MountFlags::NODIRATIME),
        (StatVfsMountFlags::RELATIME, MountFlags::RELATIME),
    ];
    let kept = pairs.iter().filter(|(has, _)| flags.contains(*has));
    let all = kept.fold(MountFlags::BIND | MountFlags::RDONLY, |all, (_, flag)| all | *flag);
    mount_remount(path, all, "").with_context(doing)
}

/// An absolute path seen from below `tree`.
fn below(tree: &Path, path: &Path) -> PathBuf {
    tree.join(path.strip_prefix("/").unwrap_or(path))
}

/// A program of the host, as root of a user namespace with all sub-ids. It preloads nothing: the
/// programs that it starts in a tree of its own would not find the libraries there.
pub fn host_command(doing: impl Into<String>, program: Program) -> Command {
    let command = Command::new(Program::Unshare, doing)
        .args(namespace_flags(true))
        .args(["--", program.name()])
        .env(preload::VARIABLE, "");
    base_environment().into_iter().fold(command, |c, (name, value)| c.env(name, value))
}

/// Deletes a tree whose files may belong to sub-ids: only root of the namespace may.
///
/// # Errors
/// When something in it cannot be deleted.
pub fn remove_tree(path: &Path) -> Result<()> {
    if !path.exists() {
        return Ok(());
    }
    Command::new(Program::Unshare, format!("deleting {}", path.display()))
        .args(namespace_flags(true))
        .args(["--", "rm", "-rf", "--one-file-system", "--"])
        .arg(path)
        .run()?;
    Ok(())
}
