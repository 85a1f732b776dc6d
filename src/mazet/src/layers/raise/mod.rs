//! Raising a Debian tree, fast also for an architecture that the builder is not.
//!
//! The tools tree's dpkg does the work from outside (`dpkg --root`): unpacking, with all its
//! decompression, is the builder's own. Package scripts run inside the tree; for a foreign
//! architecture most of the programs that they call are lent ([`lend`]) and the rest runs
//! emulated. Nothing of dpkg is done in its stead: what is decided here is only what it is given
//! together ([`plan`]), so that databases, triggers, conffiles and alternatives are dpkg's own.

pub mod lend;
pub mod plan;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use mazet_model::manifest::User;

use crate::arch::Architecture;
use crate::deb;
use crate::fetch;
use crate::layers::debian::user_words;
use crate::lock::Entry;
use crate::run::Command;
use crate::sandbox::Sandbox;
use crate::timings::{Processor, Timings};
use crate::tree::{LEFT_OUT, Order};
use lend::Loan;
use plan::{Control, Step};

/// What decides how a tree is raised, for its stage's inputs.
pub const SCRIPT: &str = include_str!("raise.sh");

/// Debian's package with a tree's top folders and links: it comes before all others.
const FOLDERS: &str = "base-files";

/// Folder of what is made to be lent, in the stage's folder, and an empty file there.
const LENT: &str = "lent";
const NOTHING: &str = "nothing";

/// Programs that take and give back memory for each of thousands of files (depmod, for every module)
/// keep it: half a second of the kernel's time in a tree with a kernel. See mallopt(3).
const MEMORY: &str = "glibc.malloc.mmap_threshold=268435456:glibc.malloc.trim_threshold=1073741824:\
                      glibc.malloc.top_pad=16777216";

/// A file that is laid before packages are configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Early {
    /// Where it is, for the builder.
    pub source: PathBuf,
    /// Absolute path on the box.
    pub target: String,
    /// Mode in octal.
    pub mode: String,
}

/// A tree being raised.
pub struct Raising<'a> {
    /// The tools tree.
    tools: &'a Path,
    /// The stage's folder: logs, and dpkg for the tree's architecture.
    folder: &'a Path,
    /// The tree.
    root: PathBuf,
    /// Where its files are seen from outside.
    seen: Vec<PathBuf>,
    /// Sees stage folder and tree, with the tree's own `/dev`, `/proc`, `/sys`.
    sandbox: Sandbox,
    /// What it is made of.
    order: &'a Order<'a>,
    /// dpkg for the tree's architecture.
    dpkg: Vec<Loan>,
    timings: &'a Timings,
}

impl<'a> Raising<'a> {
    /// A tree at `root`, to be raised in `sandbox`, which sees `folder` and has `root` as its inner
    /// root.
    ///
    /// # Errors
    /// When there is no dpkg for the architecture.
    pub fn new(
        tools: &'a Path,
        folder: &'a Path,
        root: &Path,
        sandbox: Sandbox,
        order: &'a Order<'a>,
        timings: &'a Timings,
    ) -> Result<Self> {
        let architecture = Architecture::of(order.architecture)?;
        let lent = folder.join(LENT);
        fs::create_dir_all(&lent).with_context(|| format!("making {}", lent.display()))?;
        fs::write(lent.join(NOTHING), "").context("making an empty file")?;
        let dpkg = lend::dpkg(tools, &lent, architecture)?;
        let seen = match &sandbox.overlay {
            Some(overlay) => [std::slice::from_ref(&overlay.upper), &overlay.lower].concat(),
            None => vec![root.to_owned()],
        };
        let sandbox = sandbox.bind(order.debs, "/mnt/debs").running(order.architecture)?;
        // The tools tree's own dpkg gives way to the one for the tree's architecture.
        let sandbox = dpkg.iter().fold(sandbox, |sandbox, (made, path)| sandbox.lend(made, path));
        Ok(Self { tools, folder, root: root.to_owned(), seen, sandbox, order, dpkg, timings })
    }

    /// Raises a whole tree from nothing.
    ///
    /// # Errors
    /// When a package cannot be unpacked or a script fails.
    pub fn from_nothing(&self, users: &[User]) -> Result<()> {
        let packages = self.read()?;
        let first = plan::essential(&packages);
        self.plain("laying out a tree", "lay-out", &LEFT_OUT.map(str::to_owned))?;
        self.unpack_essential(&packages, &first)?;
        let there: Vec<_> = first.iter().map(|i| &self.order.entries[*i]).collect();
        self.phase("configuring the essential packages", "essential", &[], &there)?;
        self.rest(&packages, first, &[])?;
        let all: Vec<_> = self.order.entries.iter().collect();
        self.phase("making system users", "users", &user_words(users), &all)?;
        self.tidy()
    }

    /// Unpacks the essential packages into an empty tree. Some have a script that runs before dpkg
    /// unpacks them, in a tree that is to hold a shell by then: dpkg unpacks those after the others,
    /// and what they hold is laid out before. So only these few are decompressed twice.
    fn unpack_essential(&self, packages: &[Control], essential: &BTreeSet<usize>) -> Result<()> {
        let is_base = |i: &usize| packages[*i].name == FOLDERS;
        let (mut before, after): (Vec<_>, Vec<_>) =
            essential.iter().copied().partition(|i| is_base(i) || packages[*i].preinst);
        before.sort_by_key(|i| !is_base(i));
        let before = [self.list("before", &before)?];
        self.plain("extracting essential packages", "extract", &before)?;
        self.phase("unpacking essential packages", "first", &[self.list("after", &after)?], &[])?;
        self.phase("unpacking essential packages with scripts", "first", &before, &[])
    }

    /// Adds packages to a tree that holds those of `below`. Users, and the files that scripts of
    /// packages look at, are there before those run: a package takes over what it finds.
    ///
    /// # Errors
    /// As [`from_nothing`](Self::from_nothing).
    pub fn above(&self, below: &[Entry], users: &[User], early: &[Early]) -> Result<()> {
        let packages = self.read()?;
        let lent: Vec<_> = below.iter().collect();
        self.phase("making system users", "users", &user_words(users), &lent)?;
        if !early.is_empty() {
            self.plain("laying files that scripts look at", "early", &self.early_words(early)?)?;
        }
        self.rest(&packages, BTreeSet::new(), below)?;
        self.tidy()
    }

    /// Early files as words for the script, and where it sees them.
    fn early_words(&self, early: &[Early]) -> Result<Vec<String>> {
        let mut words = Vec::new();
        for (number, file) in early.iter().enumerate() {
            let seen = self.folder.join(LENT).join(format!("early-{number}"));
            fs::copy(&file.source, &seen).with_context(|| format!("reading {}", file.source.display()))?;
            words.extend([seen.display().to_string(), file.target.clone(), file.mode.clone()]);
        }
        Ok(words)
    }

    fn rest(&self, packages: &[Control], mut there: BTreeSet<usize>, below: &[Entry]) -> Result<()> {
        let entries = &self.order.entries;
        for step in plan::steps(packages, &there) {
            let lent: Vec<_> = below.iter().chain(there.iter().map(|i| &entries[*i])).collect();
            match step {
                Step::Unpack(next) => {
                    let list = self.list("unpack", &next)?;
                    self.phase("unpacking packages", "unpack", &[list], &lent)?;
                    there.extend(next);
                }
                Step::Configure(next) => {
                    let names: Vec<_> = next.iter().map(|i| entries[*i].name.clone()).collect();
                    self.configure("configuring packages for others", &names, &lent)?;
                }
            }
        }
        let all: Vec<_> = below.iter().chain(entries.iter()).collect();
        self.configure("configuring packages", &["--pending".to_owned()], &all)
    }

    /// Configures with the programs of `entries` lent. A lent program may miss what only the tree has for
    /// its own (perl a module in C): what dpkg then leaves unconfigured runs with nothing lent.
    fn configure(&self, doing: &str, words: &[String], entries: &[&Entry]) -> Result<()> {
        let lent = self.phase(doing, "configure", words, entries);
        if lent.is_ok() || self.sandbox.foreign.is_none() {
            return lent;
        }
        self.phase(&format!("{doing}, nothing lent"), "configure", words, &[])
    }

    /// What all packages say of themselves, in the order's order.
    fn read(&self) -> Result<Vec<Control>> {
        let read = |entry: &Entry| {
            let about = deb::about(&fetch::path(self.order.debs, entry))?;
            Ok(Control { preinst: about.preinst, ..Control::parse(&about.control) })
        };
        self.timings.stage("  reading packages", |note| {
            let (packages, processor) = Processor::of(None, || self.order.entries.iter().map(read).collect());
            note.processor = Some(processor);
            packages
        })
    }

    /// A file of the names of packages, for the script; gives its path.
    fn list(&self, phase: &str, numbers: &[usize]) -> Result<String> {
        let name =
            |i: &usize| fetch::path(Path::new(""), &self.order.entries[*i]).display().to_string() + "\n";
        let path = self.folder.join(format!("{phase}.debs"));
        fs::write(&path, numbers.iter().map(name).collect::<String>())
            .with_context(|| format!("writing {}", path.display()))?;
        Ok(path.display().to_string())
    }

    /// The sandbox without anything mounted in the tree.
    fn outside(&self) -> Sandbox {
        Sandbox { inner: None, ..self.sandbox.clone() }
    }

    /// A phase that starts nothing of the tree: its `/proc` and `/dev` are not there yet.
    fn plain(&self, doing: &str, phase: &str, words: &[String]) -> Result<()> {
        let command = self.command(&self.outside(), doing, phase, words)?;
        self.timings.stage(&format!("  {doing}"), |note| {
            let (done, processor) = Processor::of(None, || command.run().map(drop));
            note.processor = Some(processor);
            done
        })
    }

    /// A phase in which package scripts run, with the programs of `entries` lent.
    fn phase(&self, doing: &str, phase: &str, words: &[String], entries: &[&Entry]) -> Result<()> {
        if words.is_empty() && phase != "essential" {
            return Ok(());
        }
        let mut sandbox = self.sandbox.clone();
        if sandbox.foreign.is_some() && !entries.is_empty() {
            let architecture = Architecture::of(self.order.architecture)?;
            let loans = lend::loans(self.tools, &self.seen, architecture, entries, &self.dpkg)?;
            sandbox = lend::mount(sandbox, &self.root, &loans)?;
        }
        if phase == "configure" {
            let idle = lend::idle(self.tools, &self.seen, &self.folder.join(LENT).join(NOTHING));
            sandbox = lend::mount(sandbox, &self.root, &idle)?;
        }
        self.timings.stage(&format!("  {doing}"), |note| {
            let command = self.command(&sandbox, doing, phase, words)?;
            let emulator = match &sandbox.foreign {
                Some(foreign) => Some(Architecture::of(foreign)?.emulator()),
                None => None,
            };
            let (done, processor) = Processor::of(emulator.as_deref(), || command.run().map(drop));
            (note.emulated, note.processor) = (emulator.is_some(), Some(processor));
            done
        })
    }

    fn command(&self, sandbox: &Sandbox, doing: &str, phase: &str, words: &[String]) -> Result<Command> {
        let command = sandbox
            .command(doing, "sh")?
            .args(["-euc", SCRIPT, "raise", phase])
            .arg(&self.root)
            .args(words)
            .env("SOURCE_DATE_EPOCH", self.order.epoch.to_string())
            .env("GLIBC_TUNABLES", MEMORY)
            // One initramfs, made later, when everything that belongs in it is there.
            .env("INITRD", "No");
        Ok(command.log(&self.folder.join(format!("{phase}.log"))))
    }

    /// Takes away what was only there for the loans.
    fn tidy(&self) -> Result<()> {
        let places = match self.sandbox.foreign {
            Some(_) => lend::places(Architecture::builder()?),
            None => Vec::new(),
        };
        self.plain("tidying a tree", "tidy", &places)?;
        let lent = self.folder.join(LENT);
        fs::remove_dir_all(&lent).with_context(|| format!("deleting {}", lent.display()))
    }
}
