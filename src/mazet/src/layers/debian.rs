//! The two layers that hold Debian packages.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use mazet_model::manifest::User;

use super::raise::{self, Raising};
use super::{Layer, squash};
use crate::arch::Architecture;
use crate::digest::{Digest, Inputs};
use crate::lock::Entry;
use crate::repo;
use crate::sandbox::{self, Overlay, Sandbox};
use crate::stage::stage;
use crate::tree::{self, Maker, Order};

/// Taken out of the squashfs: kernel, initrd and firmware lie beside the layers, not in them.
const NOT_IN_BASE: [&str; 5] = ["-wildcards", "-e", "boot/vmlinuz-*", "boot/initrd.img-*", "boot/firmware/*"];

/// What both layers are made with.
pub struct Workshop<'a> {
    /// The shelf of kept layers.
    pub shelf: &'a Path,
    /// The tools tree.
    pub tools: &'a Path,
    /// What decides the tools tree's content.
    pub tools_key: Digest,
}

/// All that decides the `base` layer.
pub fn base_inputs(shop: &Workshop<'_>, order: &Order<'_>, users: &[User]) -> Inputs {
    let mut inputs = order.inputs("base", 1);
    inputs.digest("tools", shop.tools_key);
    inputs.text("normalising", include_str!("normalise.sh"));
    inputs.text("squashing", include_str!("squash.sh"));
    add_raising(&mut inputs, order);
    add_users(&mut inputs, users);
    inputs
}

/// All that decides the `services` layer.
pub fn services_inputs(base: Digest, order: &Order<'_>, users: &[User]) -> Inputs {
    let mut inputs = Inputs::new("services", 1);
    inputs.digest("base", base);
    inputs.text("installing", include_str!("install.sh"));
    add_raising(&mut inputs, order);
    inputs.text("normalising", include_str!("normalise.sh"));
    tree::add_packages(&mut inputs, order.entries);
    add_users(&mut inputs, users);
    inputs
}

/// Makes the `base` layer.
///
/// # Errors
/// When mmdebstrap or a package's script fails.
pub fn base(shop: &Workshop<'_>, order: &Order<'_>, users: &[User]) -> Result<Layer> {
    let inputs = base_inputs(shop, order, users);
    let made = stage(shop.shelf, "base", &inputs, |folder| {
        let root = folder.join("tree");
        let sandbox = Sandbox { inner: Some(root.clone()), ..Sandbox::new(shop.tools).share(folder) };
        if Architecture::of(order.architecture)?.is_foreign() {
            fs::create_dir(&root).with_context(|| format!("making {}", root.display()))?;
            Raising::new(shop.tools, folder, &root, sandbox, order, &[])?.from_nothing(users)?;
        } else {
            tree::make(&Maker::Tools(shop.tools), order, folder)?;
            make_users(&sandbox, &root, users)?;
        }
        normalise(&Sandbox::new(shop.tools).share(folder), &root, order.epoch)?;
        squash(shop.tools, &root, &folder.join("base.squashfs"), order.epoch, &NOT_IN_BASE)?;
        sandbox::remove_tree(&folder.join("repo"))
    })?;
    Ok(Layer { name: "base", folder: made.folder, key: made.key, cached: made.cached })
}

/// Makes the `services` layer above `base`.
///
/// # Errors
/// When apt or a package's script fails.
pub fn services(
    shop: &Workshop<'_>,
    base: &Layer,
    below: &[Entry],
    order: &Order<'_>,
    users: &[User],
) -> Result<Layer> {
    let inputs = services_inputs(base.key, order, users);
    let made = stage(shop.shelf, "services", &inputs, |folder| {
        let root = folder.join("root");
        let (upper, work) = (folder.join("tree"), folder.join("work"));
        let sandbox = Sandbox::new(shop.tools).share(folder).share(&base.folder);
        let sandbox =
            sandbox.overlay(Overlay { lower: vec![base.tree()], upper, work, target: root.clone() });
        if Architecture::of(order.architecture)?.is_foreign() {
            Raising::new(shop.tools, folder, &root, sandbox.clone(), order, below)?.above(users)?;
        } else {
            install(&sandbox, folder, &root, order, users)?;
        }
        normalise(&sandbox, &root, order.epoch)?;
        squash(shop.tools, &folder.join("tree"), &folder.join("services.squashfs"), order.epoch, &[])?;
        for rest in ["repo", "root", "work"] {
            sandbox::remove_tree(&folder.join(rest))?;
        }
        Ok(())
    })?;
    Ok(Layer { name: "services", folder: made.folder, key: made.key, cached: made.cached })
}

fn install(sandbox: &Sandbox, folder: &Path, root: &Path, order: &Order<'_>, users: &[User]) -> Result<()> {
    let repo = folder.join("repo");
    repo::lay_out(&repo, order.debs, order.release, order.entries).context("laying out a local archive")?;
    let names: Vec<_> = order.entries.iter().map(|entry| entry.name.as_str()).collect();
    sandbox
        .command("installing the services' packages", "sh")?
        .args(["-euc", include_str!("install.sh"), "install"])
        .args([root, &repo])
        .args(&names)
        .args(["--"])
        .args(user_words(users))
        .env("SOURCE_DATE_EPOCH", order.epoch.to_string())
        .log(&folder.join("install.log"))
        .run()?;
    Ok(())
}

pub(crate) fn normalise(sandbox: &Sandbox, root: &Path, epoch: u64) -> Result<()> {
    sandbox
        .command("normalising a tree", "sh")?
        .args(["-euc", include_str!("normalise.sh"), "normalise"])
        .arg(root)
        .env("SOURCE_DATE_EPOCH", epoch.to_string())
        .run()?;
    Ok(())
}

fn make_users(sandbox: &Sandbox, root: &Path, users: &[User]) -> Result<()> {
    for user in users {
        sandbox
            .command(format!("making the system user {}", user.name), "chroot")?
            .arg(root)
            .args(["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"])
            .args(["--shell", "/usr/sbin/nologin", "--uid", &user.id.to_string()])
            .args(["--comment", &user.comment, &user.name])
            .run()?;
    }
    Ok(())
}

/// Users of the services, as words for `install.sh`: name, id, comment, three a user.
pub(crate) fn user_words(users: &[User]) -> Vec<String> {
    users.iter().flat_map(|user| [user.name.clone(), user.id.to_string(), user.comment.clone()]).collect()
}

/// How a tree for another architecture is raised.
fn add_raising(inputs: &mut Inputs, order: &Order<'_>) {
    if Architecture::of(order.architecture).is_ok_and(Architecture::is_foreign) {
        inputs.text("architecture", order.architecture);
        inputs.text("raising", raise::SCRIPT);
    }
}

fn add_users(inputs: &mut Inputs, users: &[User]) {
    for user in users {
        inputs.text(format!("user {}", user.name), format!("{} {}", user.id, user.comment));
    }
}

/// The kernel's release (as `uname -r` prints it) in the base layer.
///
/// # Errors
/// When the tree holds no kernel, or several.
pub fn kernel_release(base: &Layer) -> Result<String> {
    let boot = base.tree().join("boot");
    let names = fs::read_dir(&boot).with_context(|| format!("reading {}", boot.display()))?.flatten();
    let kernels: Vec<_> = names
        .filter_map(|entry| entry.file_name().to_string_lossy().strip_prefix("vmlinuz-").map(str::to_owned))
        .collect();
    match &kernels[..] {
        [one] => Ok(one.clone()),
        _ => anyhow::bail!(
            "the base layer holds {} kernels where one was expected: {kernels:?}",
            kernels.len()
        ),
    }
}

/// Entries of `all` that are not in `below`, by name.
pub fn above(all: &[Entry], below: &[Entry]) -> Vec<Entry> {
    all.iter().filter(|entry| !below.iter().any(|other| other.name == entry.name)).cloned().collect()
}
