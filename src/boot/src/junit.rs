//! Verdicts for other people's CI: JUnit's XML, in the form that Jenkins and GitLab read.

use std::fmt::Write;
use std::time::Duration;

use crate::verdict::Verdict;

/// One test case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// How long it took.
    pub time: Duration,
    /// `None`: passed. Else the failure's type and text.
    pub failure: Option<(String, String)>,
}

impl From<&Verdict> for Case {
    fn from(verdict: &Verdict) -> Self {
        let kind = verdict.failure.map(|failure| failure.to_string());
        Self {
            name: format!("{} to {}", verdict.firmware.name(), verdict.goal),
            time: verdict.time,
            failure: kind.map(|kind| (kind, verdict.to_string())),
        }
    }
}

/// The cases as one suite of the name `suite`.
pub fn report(suite: &str, cases: &[Case]) -> String {
    let failures = cases.iter().filter(|case| case.failure.is_some()).count();
    let time: Duration = cases.iter().map(|case| case.time).sum();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a string cannot fail.
    let _ = writeln!(
        xml,
        "<testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" time=\"{:.1}\">",
        escaped(suite),
        cases.len(),
        time.as_secs_f64()
    );
    for case in cases {
        xml.push_str(&element(suite, case));
    }
    xml.push_str("</testsuite>\n");
    xml
}

fn element(suite: &str, case: &Case) -> String {
    let head = format!(
        "  <testcase classname=\"{}\" name=\"{}\" time=\"{:.1}\"",
        escaped(suite),
        escaped(&case.name),
        case.time.as_secs_f64()
    );
    match &case.failure {
        None => format!("{head}/>\n"),
        Some((kind, text)) => {
            let message = text.lines().next().unwrap_or_default();
            let (kind, message, text) = (escaped(kind), escaped(message), escaped(text));
            format!(
                "{head}>\n    <failure type=\"{kind}\" message=\"{message}\">{text}</failure>\n  </testcase>\n"
            )
        }
    }
}

/// XML 1.0 has no form at all for most control characters: they become `?`.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            '\n' | '\t' => safe.push(character),
            '\u{fffe}' | '\u{ffff}' => safe.push('?'),
            _ if character.is_control() => safe.push('?'),
            _ => safe.push(character),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{Failure, example};

    #[test]
    fn a_report_holds_passed_and_failed_cases() {
        let cases = [Case::from(&example(None)), Case::from(&example(Some(Failure::Kernel)))];
        insta::assert_snapshot!(report("mazet boot", &cases), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuite name="mazet boot" tests="2" failures="1" time="186.9">
          <testcase classname="mazet boot" name="bios to wizard" time="93.4"/>
          <testcase classname="mazet boot" name="bios to wizard" time="93.4">
            <failure type="kernel" message="bios: kernel after 93 s, at kernel (emulation): Kernel panic - not syncing: &lt;VFS&gt;">bios: kernel after 93 s, at kernel (emulation): Kernel panic - not syncing: &lt;VFS&gt;
            | one
            | two &amp; ?three
        whole serial log: /log/serial.log
        </failure>
          </testcase>
        </testsuite>
        "#);
    }
}
