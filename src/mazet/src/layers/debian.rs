//! The two layers that hold Debian packages.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use mazet_model::manifest::User;

use super::raise::{self, Early, Raising};
use super::{Layer, squash};
use crate::digest::{Digest, Inputs};
use crate::lock::Entry;
use crate::sandbox::{self, Overlay, Sandbox};
use crate::stage::stage;
use crate::timings::Timings;
use crate::tree::{self, Order};

/// Taken out of the squashfs: kernel, initrd and firmware lie beside the layers, not in them.
const NOT_IN_BASE: [&str; 6] = [
    "-wildcards",
    "-e",
    "boot/vmlinuz-*",
    "boot/initrd.img-*",
    "boot/firmware/*",
    "usr/lib/modules/*/vmlinuz",
];

/// What both layers are made with.
pub struct Workshop<'a> {
    /// The shelf of kept layers.
    pub shelf: &'a Path,
    /// The tools tree.
    pub tools: &'a Path,
    /// What decides the tools tree's content.
    pub tools_key: Digest,
    /// Notes how long each step takes.
    pub timings: &'a Timings,
}

/// All that decides the `base` layer.
pub fn base_inputs(shop: &Workshop<'_>, order: &Order<'_>, users: &[User]) -> Inputs {
    let mut inputs = order.inputs("base", 2);
    inputs.digest("tools", shop.tools_key);
    inputs.text("normalising", include_str!("normalise.sh"));
    inputs.text("squashing", include_str!("squash.sh"));
    inputs.text("raising", raise::SCRIPT);
    add_users(&mut inputs, users);
    inputs
}

/// All that decides the `services` layer.
///
/// # Errors
/// When an early file cannot be read.
pub fn services_inputs(base: Digest, order: &Order<'_>, users: &[User], early: &[Early]) -> Result<Inputs> {
    let mut inputs = Inputs::new("services", 2);
    inputs.digest("base", base);
    inputs.text("raising", raise::SCRIPT);
    inputs.text("normalising", include_str!("normalise.sh"));
    tree::add_packages(&mut inputs, order.entries);
    add_users(&mut inputs, users);
    for file in early {
        let content = Digest::of_file(&file.source)?;
        inputs.text(format!("early {}", file.target), format!("{content} {}", file.mode));
    }
    Ok(inputs)
}

/// Makes the `base` layer.
///
/// # Errors
/// When a package cannot be unpacked or its script fails.
pub fn base(shop: &Workshop<'_>, order: &Order<'_>, users: &[User]) -> Result<Layer> {
    let inputs = base_inputs(shop, order, users);
    let made = stage(shop.shelf, "base", &inputs, |folder| {
        let root = folder.join("tree");
        let sandbox = Sandbox { inner: Some(root.clone()), ..Sandbox::new(shop.tools).share(folder) };
        fs::create_dir(&root).with_context(|| format!("making {}", root.display()))?;
        Raising::new(shop.tools, folder, &root, sandbox, order, shop.timings)?.from_nothing(users)?;
        normalise(&Sandbox::new(shop.tools).share(folder), &root, order.epoch)?;
        squash(shop.tools, &root, &folder.join("base.squashfs"), order.epoch, &NOT_IN_BASE)
    })?;
    Ok(Layer { name: "base", folder: made.folder, key: made.key, cached: made.cached })
}

/// Makes the `services` layer above `base`.
///
/// # Errors
/// As [`base`].
pub fn services(
    shop: &Workshop<'_>,
    base: &Layer,
    below: &[Entry],
    order: &Order<'_>,
    (users, early): (&[User], &[Early]),
) -> Result<Layer> {
    let inputs = services_inputs(base.key, order, users, early)?;
    let made = stage(shop.shelf, "services", &inputs, |folder| {
        let root = folder.join("root");
        let (upper, work) = (folder.join("tree"), folder.join("work"));
        let sandbox = Sandbox::new(shop.tools).share(folder).share(&base.folder);
        let sandbox =
            sandbox.overlay(Overlay { lower: vec![base.tree()], upper, work, target: root.clone() });
        Raising::new(shop.tools, folder, &root, sandbox.clone(), order, shop.timings)?
            .above(below, users, early)?;
        normalise(&sandbox, &root, order.epoch)?;
        squash(shop.tools, &folder.join("tree"), &folder.join("services.squashfs"), order.epoch, &[])?;
        for rest in ["root", "work"] {
            sandbox::remove_tree(&folder.join(rest))?;
        }
        Ok(())
    })?;
    Ok(Layer { name: "services", folder: made.folder, key: made.key, cached: made.cached })
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

/// Users of the services, as words for `raise.sh`: name, id, comment, three a user.
pub(crate) fn user_words(users: &[User]) -> Vec<String> {
    users.iter().flat_map(|user| [user.name.clone(), user.id.to_string(), user.comment.clone()]).collect()
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
