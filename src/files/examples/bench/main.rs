//! `./mazet bench --files` measures with this: the program beside Apache's mod_dav, on one disk, in one run, by
//! clients that we did not write. It prints what it found as JSON.
//!
//! Everything (files, PostgreSQL, Apache) lies in the folder for temporary files (`TMPDIR`).

mod load;
mod sides;
mod work;

use std::path::PathBuf;

use clap::Parser;
use serde_json::json;
use sides::Sides;
use work::{Sizes, Work};

/// Measures mazet-files beside Apache's mod_dav.
#[derive(Debug, Parser)]
struct Words {
    /// The program
    program: PathBuf,
    /// Small files
    #[arg(long, default_value_t = 5000)]
    small: usize,
    /// MiB of the large file
    #[arg(long, default_value_t = 500)]
    large: usize,
    /// Files in the folder that is listed
    #[arg(long, default_value_t = 10_000)]
    listed: usize,
    /// The best of so many tries counts
    #[arg(long, default_value_t = 2)]
    rounds: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let words = Words::parse();
    let sizes = Sizes { small: words.small, large: words.large, listed: words.listed };
    let sides = Sides::start(&words.program).await;
    let idle = sides.memory();
    let work = Work::new(&sides, sizes, words.rounds);
    let mut lines = Vec::new();
    work.large(&mut lines);
    work.small(&mut lines);
    work.folder(&mut lines).await;
    work.unchanged(&mut lines);
    work.synced(&mut lines).await;
    work.logins();
    let after = sides.memory();
    println!("{}", json!({ "lines": lines, "memory": { "idle_kib": idle, "after_kib": after } }));
}
