//! What the templates of `firmware/<hardware>/` may name.
//!
//! They are no service's: the build tool renders those of the live system, the installer those of
//! the installed one, each with the variables listed here and no others.

use serde_json::{Map, Value};

/// Each template's file name, and the variables that it is rendered with.
const TEMPLATES: [(&str, &[&str]); 4] = [
    ("cmdline.txt.hbs", &["arguments"]),
    ("config.txt.hbs", &["os_prefix"]),
    ("grub-installed.cfg.hbs", &["filesystem_uuid", "volume_id", "kernel_arguments"]),
    ("grub-live.cfg.hbs", &["volume_id", "kernel_arguments", "live_dir"]),
];

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
