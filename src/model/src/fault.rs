//! A fault in a file that a person wrote: what, where, and what to do.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::source::position;

/// One fault. Its text form shows the place, the line and a caret below the faulty part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Path of the file, relative to the project.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Characters of the faulty part on this line, at least 1.
    pub length: usize,
    /// The line itself.
    pub text: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Fault {
    /// A fault in the bytes `span` of `source`, the text of `file`. A part of several lines
    /// is shown by its first.
    pub fn new(file: &str, source: &str, span: Range<usize>, message: String, hint: Option<String>) -> Self {
        let (line, column) = position(source, span.start);
        let part = source.get(span).unwrap_or_default();
        let length = part.lines().next().unwrap_or_default().chars().count().max(1);
        Self::at(file, source, (line, column), length, message).with_hint(hint)
    }

    /// A fault at a line and column, both from 1, of `source`.
    pub fn at(
        file: &str,
        source: &str,
        (line, column): (usize, usize),
        length: usize,
        message: String,
    ) -> Self {
        let text = source.lines().nth(line - 1).unwrap_or_default().to_owned();
        Self { file: file.to_owned(), line, column, length, text, message, hint: None }
    }

    /// The same fault with a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        // Tabs are kept above the caret, so that it stands right whatever their width.
        let lead: String =
            self.text.chars().take(self.column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let text: String = self.text.chars().filter(|c| *c == '\t' || !c.is_control()).collect();
        writeln!(f, "error: {}", self.message)?;
        writeln!(f, "{margin}--> {}:{}:{}", self.file, self.line, self.column)?;
        writeln!(f, "{margin} |")?;
        writeln!(f, "{}", format!("{number} | {text}").trim_end())?;
        writeln!(f, "{margin} | {lead}{}", "^".repeat(self.length))?;
        if let Some(hint) = &self.hint {
            writeln!(f, "{margin} = hint: {hint}")?;
        }
        Ok(())
    }
}

/// All faults as one text, with their number at the end.
pub fn report(faults: &[Fault]) -> String {
    let mut text: String = faults.iter().map(|fault| format!("{fault}\n")).collect();
    text.push_str(&match faults.len() {
        1 => "1 fault\n".to_owned(),
        number => format!("{number} faults\n"),
    });
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_shows_its_line_and_a_caret() {
        let source = "a = 1\n\tnâme = \"é\"\n";
        let fault = Fault::new("x.toml", source, 7..12, "bad".to_owned(), Some("good".to_owned()));
        let expected = "error: bad\n --> x.toml:2:2\n  |\n2 | \tnâme = \"é\"\n  | \t^^^^\n  = hint: good\n";
        assert_eq!(fault.to_string(), expected);
    }
}
