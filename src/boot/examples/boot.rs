//! Boots an image without the rest of Mazet: `cargo run --example boot -- IMAGE --firmware uefi`.
//!
//! The words of `MAZET_TOOLS_PREFIX` come before every tool.

use std::path::PathBuf;

use clap::Parser;
use mazet_boot::Runner;
use mazet_boot::cli::{BootArgs, Places, run, write_junit};

#[derive(Debug, Parser)]
struct Program {
    #[command(flatten)]
    boot: BootArgs,
}

fn main() {
    let args = Program::parse().boot;
    let prefix = std::env::var("MAZET_TOOLS_PREFIX").unwrap_or_default();
    let runner = Runner::new(prefix.split_whitespace());
    let folder = std::env::temp_dir().join("mazet-boot-example");
    let places = Places { image: PathBuf::from(&args.target), logs: folder.clone(), cache: folder };
    let (verdict, qemu) = run(&args, &places, &runner, &mut |line| eprintln!("{line}"));
    print!("{verdict}");
    if let Err(error) = write_junit(&args, &verdict) {
        eprintln!("{error}");
    }
    if let (true, Some(qemu)) = (args.stay, qemu) {
        let _ = qemu.wait_end(std::time::Duration::MAX);
    }
    std::process::exit(i32::from(!verdict.reached()) * 3);
}
