//! Changes as a person reads them.

use similar::TextDiff;

use super::change::{Change, Version};

/// A unified diff of all changes; files that are no text are named only. A change of mode or
/// group alone is one line.
pub fn unified(changes: &[Change]) -> String {
    changes.iter().map(one).collect()
}

fn one(change: &Change) -> String {
    let target = &change.target;
    let text = |version: &Option<Version>| -> Option<String> {
        match version {
            None => Some(String::new()),
            Some(version) => String::from_utf8(version.content.clone()).ok(),
        }
    };
    let mut lines = String::new();
    if let (Some(old), Some(new)) = (&change.old, &change.new) {
        if (old.mode, old.group) != (new.mode, new.group) {
            let rights = |version: &Version| format!("{:04o} group {}", version.mode, version.group);
            lines.push_str(&format!("{target}: mode {} becomes {}\n", rights(old), rights(new)));
        }
    }
    let (Some(old), Some(new)) = (text(&change.old), text(&change.new)) else {
        return format!("{lines}{target}: no text, differs\n");
    };
    let name =
        |present: bool, side: &str| if present { format!("{side}{target}") } else { "/dev/null".to_owned() };
    let (from, to) = (name(change.old.is_some(), "a"), name(change.new.is_some(), "b"));
    lines.push_str(&TextDiff::from_lines(&old, &new).unified_diff().header(&from, &to).to_string());
    lines
}
