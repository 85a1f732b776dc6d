//! The HTML page: a table with a bar in each row. It holds its own style and nothing else:
//! no script, no image, no font, no request.

use std::fmt::Write as _;

use super::{Outcome, Record, human_bytes, human_seconds};

const STYLE: &str = "\
:root { color-scheme: light dark; --bar: #2f6f8f; --quiet: #8a9aa3; --bad: #b3361b; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; margin-bottom: .5rem; }
th, td { padding: .35rem .6rem; text-align: left; border-bottom: 1px solid #8884; }
td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.bar { width: 45%; }
svg { display: block; width: 100%; height: 1rem; }
.built { fill: var(--bar); } .cached { fill: var(--quiet); } .failed { fill: var(--bad); }
tfoot th, tfoot td { border-bottom: 0; font-weight: 600; }
";

/// The whole page for one build.
pub(super) fn render(image: &str, record: &Record) -> String {
    let image = escape(image);
    let longest = record.stages.iter().map(|stage| stage.seconds).fold(0.0, f64::max);
    let mut rows = String::new();
    for stage in &record.stages {
        let word = stage.outcome.word();
        let emulated = if stage.emulated { ", emulated" } else { "" };
        let _ = writeln!(
            rows,
            "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td>{word}{emulated}</td>\
             <td class=\"n\">{}</td><td class=\"bar\">{}</td></tr>",
            escape(&stage.name),
            human_seconds(stage.seconds),
            stage.bytes.map(human_bytes).unwrap_or_default(),
            bar(stage.seconds, longest, stage.outcome),
        );
    }
    let total = human_seconds(record.total_seconds);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Build of {image}: {total}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <h1>Build of {image}</h1>\n<table>\n<caption>Stages in the order in which they ended</caption>\n\
         <thead><tr><th scope=\"col\">Stage</th><th scope=\"col\">Time</th><th scope=\"col\">Result</th>\
         <th scope=\"col\">Bytes</th><th scope=\"col\">Share of the longest</th></tr></thead>\n\
         <tbody>\n{rows}</tbody>\n\
         <tfoot><tr><th scope=\"row\">Total</th><td class=\"n\">{total}</td><td></td><td></td><td></td></tr></tfoot>\n\
         </table>\n</body>\n</html>\n"
    )
}

/// A bar in hundredths of the longest. Decoration: the figure stands in the row.
fn bar(seconds: f64, longest: f64, outcome: Outcome) -> String {
    let width = if longest > 0.0 { seconds / longest * 100.0 } else { 0.0 };
    format!(
        "<svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
         <rect class=\"{}\" width=\"{width:.1}\" height=\"10\"/></svg>",
        outcome.word()
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
