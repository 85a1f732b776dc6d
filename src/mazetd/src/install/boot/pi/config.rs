//! `config.txt`: the one line that says which folder the firmware starts from.
//!
//! The rest of the file may be a person's: a screen's mode, a fan's pin. It is kept as it is.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::files;

/// Its name on the FAT.
pub const FILE: &str = "config.txt";
/// The key of the line.
const KEY: &str = "os_prefix";

/// The folder that the FAT at `fat` starts from, without its slash; none when its `config.txt` is
/// missing or names none.
pub fn current(fat: &Path) -> Option<String> {
    prefix(&fs::read_to_string(fat.join(FILE)).ok()?)
}

/// Makes the FAT at `fat` start from its folder `name`, by the `config.txt` of `from` (the medium
/// or the FAT itself).
///
/// # Errors
/// When a file cannot be read or written.
pub fn switch(from: &Path, fat: &Path, name: &str) -> Result<()> {
    let path = from.join(FILE);
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let changed = with_prefix(&text, name);
    files::write_atomically(&fat.join(FILE), changed.as_bytes(), 0o644, None)
}

/// The last line decides, as with the firmware.
fn prefix(text: &str) -> Option<String> {
    let value = |line: &str| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == KEY).then(|| value.trim().trim_end_matches('/').to_owned())
    };
    text.lines().rev().find_map(value)
}

/// The text with every such line naming `name`; at its end when there is none.
fn with_prefix(text: &str, name: &str) -> String {
    let line = format!("{KEY}={name}/");
    let is_ours = |old: &str| old.split_once('=').is_some_and(|(key, _)| key.trim() == KEY);
    let mut lines: Vec<&str> =
        text.lines().map(|old| if is_ours(old) { line.as_str() } else { old }).collect();
    if !lines.contains(&line.as_str()) {
        // `[all]`: whatever model the lines before are for.
        lines.extend(["[all]", &line]);
    }
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    lines.join(end) + end
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Mazet\narm_64bit=1\nos_prefix=live/\nkernel=vmlinuz\n[pi4]\nmax_framebuffers=2\n";

    #[test]
    fn one_line_changes_and_a_persons_own_lines_stay() {
        assert_eq!(prefix(TEXT).as_deref(), Some("live"));
        let changed = with_prefix(TEXT, "system-a");
        assert_eq!(changed, TEXT.replace("live/", "system-a/"));
        assert_eq!(with_prefix(&changed, "live"), TEXT);
        assert_eq!(prefix("#os_prefix=old/\n os_prefix = system-b/ \r\n").as_deref(), Some("system-b"));
    }

    #[test]
    fn a_line_that_is_missing_is_added_for_every_model() {
        assert_eq!(prefix("kernel=vmlinuz\n"), None);
        let changed = with_prefix("kernel=vmlinuz\r\n", "system-a");
        assert_eq!(changed, "kernel=vmlinuz\r\n[all]\r\nos_prefix=system-a/\r\n");
        assert_eq!(prefix(&changed).as_deref(), Some("system-a"));
    }

    #[test]
    fn the_switch_is_one_file_replaced() {
        let fat = tempfile::tempdir().expect("temporary folder");
        fs::write(fat.path().join(FILE), TEXT).expect("written");
        switch(fat.path(), fat.path(), "system-b").expect("switched");
        assert_eq!(current(fat.path()).as_deref(), Some("system-b"));
        assert_eq!(fs::read_dir(fat.path()).expect("listed").count(), 1);
    }
}
