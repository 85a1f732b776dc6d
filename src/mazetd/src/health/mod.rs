//! Is the box well? The report of `mazetd health`.

mod checks;
mod page;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::run::{Program, Runner};

/// The unit that writes [`STORED`]: checks ask the box over its network, which the broker has not.
const UNIT: &str = "mazet-health.service";
/// Where [`UNIT`] leaves its report.
const STORED: &str = "/run/mazet/health.json";

/// A health report.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Every finding, good and bad.
    pub findings: Vec<Finding>,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// What was looked at: `units`, `disk-space`, `clock`, `certificate`, `web/home-page`.
    pub subject: String,
    /// Well or not.
    pub ok: bool,
    /// In one sentence.
    pub detail: String,
}

impl Report {
    /// Is everything well?
    pub fn is_well(&self) -> bool {
        self.findings.iter().all(|finding| finding.ok)
    }

    /// One line a finding, and a last one that sums up.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for finding in &self.findings {
            let mark = if finding.ok { "ok  " } else { "FAIL" };
            text.push_str(&format!("{mark}  {:<24} {}\n", finding.subject, finding.detail));
        }
        let bad = self.findings.iter().filter(|finding| !finding.ok).count();
        text.push_str(&match bad {
            0 => "The box is well.\n".to_owned(),
            1 => "1 check failed.\n".to_owned(),
            _ => format!("{bad} checks failed.\n"),
        });
        text
    }
}

/// Looks at everything, now.
pub fn report(runner: &Runner) -> Report {
    Report { findings: checks::all(runner) }
}

/// Has [`UNIT`] look at everything, and reads its report.
///
/// # Errors
/// When the unit cannot run or left no report.
pub fn stored(runner: &Runner) -> Result<Report> {
    runner.run(Program::Systemctl, &["start", UNIT])?;
    let text = fs::read_to_string(Path::new(STORED)).with_context(|| format!("reading {STORED}"))?;
    serde_json::from_str(&text).with_context(|| format!("reading {STORED}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_reads_as_lines_and_sums_up() {
        let finding = |subject: &str, ok, detail: &str| Finding {
            subject: subject.to_owned(),
            ok,
            detail: detail.to_owned(),
        };
        let report = Report {
            findings: vec![finding("units", true, "no unit failed"), finding("clock", false, "not set")],
        };
        assert!(!report.is_well());
        insta::assert_snapshot!(report.text(), @r"
        ok    units                    no unit failed
        FAIL  clock                    not set
        1 check failed.
        ");
    }
}
