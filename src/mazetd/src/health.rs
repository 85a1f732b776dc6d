//! Is the box well? The report of `mazetd health`.

use serde::{Deserialize, Serialize};

/// A health report.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Every finding, good and bad.
    pub findings: Vec<Finding>,
}

/// One finding.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// What was looked at: `units`, `disk-space`, `clock`, `certificate`, `web/home-page`.
    pub subject: String,
    /// Well or not.
    pub ok: bool,
    /// In one sentence.
    pub detail: String,
}
