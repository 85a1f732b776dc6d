//! The initial RAM disk: one for the live and the installed system, made once.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::Layer;
use super::debian::{Workshop, kernel_release};
use super::raise::lend;
use crate::arch::Architecture;
use crate::digest::{Digest, Inputs};
use crate::run::Command;
use crate::sandbox::{self, Overlay, Sandbox};
use crate::stage::stage;
use crate::timings::Processor;
use crate::tree::Order;

/// Kernel and initrd, ready for the image.
#[derive(Debug, Clone)]
pub struct Initrd {
    /// Folder of `vmlinuz` and `initrd.img`.
    pub folder: PathBuf,
    /// The kernel's release.
    pub kernel: String,
    /// The digest of its inputs.
    pub key: Digest,
    /// It was there already.
    pub cached: bool,
}

/// All that decides the initrd.
///
/// # Errors
/// When its configuration cannot be read.
pub fn inputs(base: Digest, services: Digest, firmware: &Path) -> Result<Inputs> {
    let mut inputs = Inputs::new("initrd", 1);
    inputs.digest("base", base);
    inputs.digest("services", services);
    inputs.text("making", include_str!("initrd.sh"));
    inputs.folder("configuration", &firmware.join("initramfs"))?;
    Ok(inputs)
}

/// Packages whose programs are lent while an initrd for another architecture is made.
const LENT: [&str; 9] =
    ["coreutils", "cpio", "dash", "dracut-install", "findutils", "grep", "mawk", "sed", "zstd"];
/// Programs of these that the initrd holds too: they are not lent.
const HELD: [&str; 1] = ["md5sum"];
/// Where the libraries of lent programs lie in the meantime.
const LIBRARIES: &str = "/run/mazet-libraries";
/// The tools tree's program that is depmod when it bears its name.
const DEPMOD: &str = "/usr/bin/kmod";

/// Runs what makes the initrd, and notes what of it is emulated.
fn run(shop: &Workshop<'_>, command: &Command, foreign: Option<Architecture>) -> Result<()> {
    let Some(architecture) = foreign else { return command.run().map(drop) };
    shop.timings.stage("  running mkinitramfs", |note| {
        let (done, processor) = Processor::of(Some(&architecture.emulator()), || command.run().map(drop));
        (note.emulated, note.processor) = (true, Some(processor));
        done
    })
}

/// Lends programs to the tree at `root`, whose lowest layer is `base`.
fn lend(
    shop: &Workshop<'_>,
    sandbox: Sandbox,
    base: &Layer,
    root: &Path,
    order: &Order<'_>,
) -> Result<Sandbox> {
    let entries: Vec<_> = order.entries.iter().filter(|entry| LENT.contains(&entry.name.as_str())).collect();
    let architecture = Architecture::of(order.architecture)?;
    let mut loans = lend::loans(shop.tools, &[base.tree()], architecture, &entries, &[])?;
    // Elsewhere: the scripts look for libraries by name below /usr/lib, and would take these too.
    let folder = Path::new("/usr/lib").join(Architecture::builder()?.gnu);
    loans.retain(|(_, path)| path.parent() != Some(&folder));
    for (_, path) in loans.iter_mut().filter(|(_, path)| *path == folder) {
        *path = PathBuf::from(LIBRARIES);
    }
    loans.retain(|(_, path)| !path.file_name().is_some_and(|name| HELD.iter().any(|held| name == *held)));
    lend::mount(sandbox, root, &loans)
}

/// An initrd for another architecture that took up a program that was only lent would not start.
fn check(folder: &Path, own: Architecture) -> Result<()> {
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).with_context(|| format!("reading {}", next.display()))? {
            let (path, kind) = entry.map(|entry| (entry.path(), entry.file_type()))?;
            let kind = kind?;
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && lend::is_elf(&path, own) {
                bail!(
                    "the initial RAM disk took up {}, a program of the builder's: add it to \
                     HELD in layers/initrd.rs",
                    path.strip_prefix(folder).unwrap_or(&path).display()
                );
            }
        }
    }
    Ok(())
}

/// Makes the initrd of the kernel in `base`, with the configuration in `firmware/initramfs`.
///
/// # Errors
/// When mkinitramfs fails.
pub fn make(
    shop: &Workshop<'_>,
    base: &Layer,
    services: &Layer,
    firmware: &Path,
    order: &Order<'_>,
) -> Result<Initrd> {
    let configuration = firmware.join("initramfs");
    let kernel = kernel_release(base)?;
    let inputs = inputs(base.key, services.key, firmware)?;
    let made = stage(shop.shelf, "initrd", &inputs, |folder| {
        let root = folder.join("root");
        let overlay = Overlay {
            lower: vec![services.tree(), base.tree()],
            upper: folder.join("upper"),
            work: folder.join("work"),
            target: root.clone(),
        };
        let sandbox = Sandbox::new(shop.tools)
            .share(folder)
            .share(&base.folder)
            .share(&services.folder)
            .share(&configuration)
            .overlay(overlay)
            .running(order.architecture)?;
        let architecture = Architecture::of(order.architecture)?;
        let foreign = architecture.is_foreign();
        let sandbox = if foreign { lend(shop, sandbox, base, &root, order)? } else { sandbox };
        let command = sandbox
            .command("making the initial RAM disk", "sh")?
            .args(["-euc", include_str!("initrd.sh"), "initrd"])
            .args([&root, &configuration, folder])
            .arg(&kernel)
            .args(foreign.then_some(DEPMOD))
            .env("SOURCE_DATE_EPOCH", order.epoch.to_string())
            .log(&folder.join("initrd.log"));
        let command = if foreign { command.env("LD_LIBRARY_PATH", LIBRARIES) } else { command };
        run(shop, &command, foreign.then_some(architecture))?;
        if foreign {
            check(&folder.join("check"), Architecture::builder()?)?;
        }
        for rest in ["root", "upper", "work", "check"] {
            sandbox::remove_tree(&folder.join(rest))?;
        }
        let vmlinuz = base.tree().join("boot").join(format!("vmlinuz-{kernel}"));
        fs::copy(&vmlinuz, folder.join("vmlinuz"))
            .with_context(|| format!("copying {}", vmlinuz.display()))?;
        Ok(())
    })?;
    Ok(Initrd { folder: made.folder, kernel, key: made.key, cached: made.cached })
}
