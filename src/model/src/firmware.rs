//! What the templates of `firmware/<hardware>/` may name, and where Debian's kernels keep their parts.
//!
//! The templates are no service's: the build tool renders those of the live system, the installer those of
//! the installed one, each with the variables listed here and no others.

use serde_json::{Map, Value};

/// Each template's file name, and the variables that it is rendered with.
const TEMPLATES: [(&str, &[&str]); 4] = [
    ("cmdline.txt.hbs", &["arguments"]),
    ("config.txt.hbs", &["os_prefix"]),
    ("grub-installed.cfg.hbs", &["filesystem_uuid", "volume_id", "kernel_arguments"]),
    ("grub-live.cfg.hbs", &["volume_id", "kernel_arguments", "live_dir"]),
];

/// The folders, below a root, where the packages of Debian's kernel `release` (as `uname -r` prints it)
/// may have put its device trees, by vendor: since Linux 7, and before.
pub fn device_trees(release: &str) -> [String; 2] {
    [format!("usr/lib/modules/{release}/dtb"), format!("usr/lib/linux-image-{release}")]
}

/// The kernel itself as the packages of `release` bring it since Linux 7, below a root; linux-base copies
/// it to /boot.
pub fn packaged_kernel(release: &str) -> String {
    format!("usr/lib/modules/{release}/vmlinuz")
}

/// A context with every variable of the template called `name` (a file name), for the static
/// check; none when no program renders such a template.
pub fn shape(name: &str) -> Option<Value> {
    let (_, variables) = TEMPLATES.iter().find(|(known, _)| *known == name)?;
    let values = variables.iter().map(|variable| ((*variable).to_owned(), Value::from("value")));
    Some(Value::Object(values.collect::<Map<_, _>>()))
}

/// File names of all templates that are rendered.
pub fn names() -> impl Iterator<Item = &'static str> {
    TEMPLATES.iter().map(|(name, _)| *name)
}
