//! Clients by the dozen: Debian's `ab`, and what it says.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::run::{Program, Runner};

/// More requests than any box answers in the time; `ab` keeps 32 bytes for each.
const MOST: u32 = 200_000;

/// Of fewer answers than this there is no 95 %: it would be the slowest one, or none.
const FEWEST_FOR_P95: f64 = 20.0;
/// Of a single answer there is no half.
const FEWEST_FOR_MEDIAN: f64 = 2.0;

/// What the clients saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// Requests answered in a second, all clients together.
    pub requests_per_second: f64,
    /// Half of the requests took no longer, in milliseconds; none: too few were answered to say.
    pub median_ms: Option<f64>,
    /// 95 % of the requests took no longer, in milliseconds; none: too few were answered to say.
    pub p95_ms: Option<f64>,
    /// Requests without a good answer.
    pub failed: u64,
}

/// How a server is loaded.
pub struct Load<'l> {
    /// Runs `ab`.
    pub runner: &'l Runner,
    /// Where it leaves its table.
    pub folder: &'l Path,
    /// HTTPS port on the loopback.
    pub port: u16,
    /// Clients at once.
    pub clients: u32,
    /// For how long, in seconds.
    pub seconds: u32,
}

impl Load<'_> {
    /// Asks for `path` again and again; sends the file `upload` by PUT where there is one.
    ///
    /// # Errors
    /// When `ab` fails, or says nothing that can be understood.
    pub fn run(&self, path: &str, upload: Option<&Path>) -> Result<Figures> {
        let table = self.folder.join("ab.csv");
        let mut arguments: Vec<String> = ["-q", "-k", "-l"].map(str::to_owned).to_vec();
        let mut option = |name: &str, value: String| arguments.extend([name.to_owned(), value]);
        option("-c", self.clients.to_string());
        option("-t", self.seconds.to_string());
        option("-n", MOST.to_string());
        option("-e", table.display().to_string());
        if let Some(file) = upload {
            option("-u", file.display().to_string());
        }
        arguments.push(format!("https://127.0.0.1:{}{path}", self.port));
        let said = self.runner.run(Program::Ab, &arguments)?;
        let table = fs::read_to_string(&table).context("reading the table of ab")?;
        figures(&said, &table).with_context(|| format!("understanding ab, which said: {said}"))
    }
}

/// `said` is the report, `table` the file of percentiles: `95,1.234`. Of a few requests `ab` reads
/// the higher percentiles behind the last request that it saw, and writes 0.
fn figures(said: &str, table: &str) -> Result<Figures> {
    let number = |name: &str| -> Option<f64> {
        let line = said.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let percentile = |percent: &str| -> Option<f64> {
        let mut rows = table.lines().filter_map(|line| line.split_once(','));
        rows.find(|(name, _)| *name == percent)?.1.trim().parse().ok()
    };
    let complete = number("Complete requests:").context("no number of requests")?;
    ensure!(complete > 0.0, "no request was answered");
    let failed = number("Failed requests:").unwrap_or(0.0) + number("Non-2xx responses:").unwrap_or(0.0);
    ensure!(failed * 2.0 < complete, "{failed} of {complete} requests failed");
    let among = |fewest: f64, percent: &str| -> Result<Option<f64>> {
        if complete < fewest {
            return Ok(None);
        }
        percentile(percent).with_context(|| format!("no {percent}th percentile")).map(Some)
    };
    Ok(Figures {
        requests_per_second: number("Requests per second:").context("no rate")?,
        median_ms: among(FEWEST_FOR_MEDIAN, "50")?,
        p95_ms: among(FEWEST_FOR_P95, "95")?,
        failed: failed as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "Server Software:        nginx\nComplete requests:      3000\nFailed requests:        1\n\
                        Non-2xx responses:      2\nRequests per second:    1234.50 [#/sec] (mean)\n";
    const TABLE: &str = "Percentage served,Time in ms\n0,0.100\n50,1.250\n95,4.500\n";

    #[test]
    fn rate_percentiles_and_failures_are_read() {
        let expected =
            Figures { requests_per_second: 1234.5, median_ms: Some(1.25), p95_ms: Some(4.5), failed: 3 };
        assert_eq!(figures(SAID, TABLE).expect("understood"), expected);
    }

    #[test]
    fn of_a_few_answers_there_is_no_95_percent() {
        // What ab 2.4 writes of ten requests.
        let table = "Percentage served,Time in ms\n0,80.000\n50,91.000\n94,99.000\n95,0.000\n99,0.000\n";
        let all_good = SAID.replace("      1\n", "      0\n").replace("      2\n", "      0\n");
        let said = |complete: &str| all_good.replace("3000", complete);
        let few = figures(&said("10"), table).expect("understood");
        assert_eq!((few.median_ms, few.p95_ms), (Some(91.0), None));
        let one = figures(&said("1"), table).expect("understood");
        assert_eq!((one.median_ms, one.p95_ms), (None, None));
        assert_eq!(figures(&said("20"), TABLE).expect("understood").p95_ms, Some(4.5));
    }

    #[test]
    fn no_answer_at_all_is_no_measurement() {
        let error = figures(&SAID.replace("3000", "0"), TABLE).expect_err("nothing was measured");
        assert_eq!(error.to_string(), "no request was answered");
        let error = figures(&SAID.replace("      2", "   2000"), TABLE).expect_err("most failed");
        assert_eq!(error.to_string(), "2001 of 3000 requests failed");
        assert!(figures("", "").is_err());
    }
}
