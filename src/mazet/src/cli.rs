//! The command line: what a user types, nothing more.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use mazet_boot::cli::BootArgs;

/// Turns a recipe into a bootable Debian image for a small association's server.
#[derive(Debug, Parser)]
#[command(name = "mazet", version, propagate_version = true, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Action,
}

const EXIT_CODES: &str =
    "Exit codes: 0 done, 1 failed, 2 usage or recipe at fault, 3 a check failed, 130 interrupted.";

/// A command.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Build an image from a recipe.
    Build(Build),
    /// Boot an image in QEMU and say how far it came.
    Boot(BootArgs),
    /// Write an image onto sticks and cards, and read everything back.
    Flash(Flash),
    /// Run every test: unit, integration, reproducibility, real boots.
    Test(Test),
    /// Measure builds and boots on this machine and print the figures.
    Bench(Bench),
    /// Check or show recipes.
    #[command(subcommand)]
    Recipe(Recipe),
    /// Say which inputs changed since each cached layer was made.
    Why(Why),
    /// Check signature, sums and block map of an image.
    Verify(Verify),
    /// Show what is in a finished image: partitions, layers, packages, sizes.
    Inspect(Inspect),
    /// Show or clean the cache.
    #[command(subcommand)]
    Cache(Cache),
    /// Say what this host lacks, and the exact command that mends it.
    Doctor(Doctor),
    /// Write man pages, shell completions and JSON Schemas.
    Generate(Generate),
    /// Open a device with privileges: for Mazet itself.
    #[command(name = crate::flash::open::SUBCOMMAND, hide = true)]
    OpenDevice(OpenDevice),
    /// Enter a tree's sandbox: for Mazet itself.
    #[command(name = crate::sandbox::SUBCOMMAND, hide = true)]
    Sandbox(SandboxWords),
    /// Run a command in a user namespace of its own: for Mazet itself.
    #[command(name = crate::sandbox::users::SUBCOMMAND, hide = true)]
    Users(UsersWords),
    /// Tell the clocks that trees see: for Mazet's own tests.
    #[command(name = crate::commands::test::clock::SUBCOMMAND, hide = true)]
    Clock(ClockWords),
}

/// `mazet build`.
#[derive(Debug, Clone, Args)]
pub struct Build {
    /// The recipe: a name in recipes/.
    #[arg(default_value = "pc")]
    pub recipe: String,
    /// Build exactly what this lock says.
    #[arg(long, value_name = "FILE")]
    pub locked: Option<PathBuf>,
    /// Use the cache alone, never the network.
    #[arg(long)]
    pub offline: bool,
    /// Ask the archive for its newest indexes, however fresh the known ones are.
    #[arg(long, conflicts_with_all = ["offline", "locked"])]
    pub refresh: bool,
    /// Debian mirror to build from.
    #[arg(long, value_name = "URL")]
    pub mirror: Option<String>,
    /// Print a table of stages, and write it beside the image as JSON and HTML.
    #[arg(long)]
    pub timings: bool,
    /// Print what was built as JSON on standard output.
    #[arg(long)]
    pub json: bool,
    /// Folder for the image and what stands beside it.
    #[arg(long, value_name = "FOLDER")]
    pub output: Option<PathBuf>,
    /// Also write what a release needs: the image compressed, its block map, sums, provenance, and
    /// your signature.
    #[arg(long)]
    pub release: bool,
    /// Secret key to sign with (minisign), instead of ~/.config/mazet/builder.key.
    #[arg(long, value_name = "FILE", requires = "release")]
    pub key: Option<PathBuf>,
    /// Make the builder's key without asking when there is none.
    #[arg(long, requires = "release", conflicts_with = "key")]
    pub new_key: bool,
}

/// `mazet flash`.
#[derive(Debug, Clone, Args)]
pub struct Flash {
    /// An image file (.img or .img.zst), or the name of a recipe that was built.
    #[arg(default_value = "pc")]
    pub image: String,
    /// Device to erase and write: sdb, /dev/sdb, or the path of a file that stands for one. Again
    /// for each device.
    #[arg(long, value_name = "NAME")]
    pub device: Vec<String>,
    /// Erase devices of this model (or serial number, where a device tells no model) without
    /// asking. Again for each model.
    #[arg(long, value_name = "MODEL")]
    pub yes_erase: Vec<String>,
    /// Answers in advance: language, names, network, Wi-Fi, claim code. Passwords in this file are
    /// written to the stick as hashes alone.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Write the image as it is: no answers and no claim code. The box shows a code of its own on
    /// its screen.
    #[arg(long, conflicts_with = "config")]
    pub no_answers: bool,
    /// Write only what this builder signed (a key file, or the key itself). Again for each key.
    #[arg(long, value_name = "KEY")]
    pub public_key: Vec<String>,
    /// List the devices and write nothing.
    #[arg(long)]
    pub list: bool,
    /// Progress and results as one JSON object a line on standard output.
    #[arg(long)]
    pub json: bool,
}

/// The words of the hidden subcommand that opens a device.
#[derive(Debug, Args)]
pub struct OpenDevice {
    /// Kernel name.
    pub name: String,
    /// Its serial number, as it was chosen by.
    pub serial: String,
}

/// `mazet test`.
#[derive(Debug, Clone, Args)]
pub struct Test {
    /// Also the scenarios that do not fit into an hour of emulation.
    #[arg(long)]
    pub long: bool,
    /// Only suites and scenarios whose name holds this. Again for more.
    #[arg(long, value_name = "TEXT")]
    pub filter: Vec<String>,
    /// Keep the disks of scenarios that passed, and begin with those that an earlier run kept.
    #[arg(long)]
    pub keep: bool,
    /// Folder for screenshots, serial logs and reports.
    #[arg(long, value_name = "FOLDER")]
    pub artefacts: Option<PathBuf>,
    /// Run as root: an ordinary user with sub-ids who makes the second build of the
    /// reproducibility test.
    #[arg(long, value_name = "USER")]
    pub other_user: Option<String>,
}

/// `mazet bench`.
#[derive(Debug, Args)]
pub struct Bench {
    /// The recipe.
    #[arg(default_value = "pc")]
    pub recipe: String,
    /// Only the root trees of the PC and of the Pi: Mazet's way beside mmdebstrap's, by the clock
    /// and in processor time, and whether both make the same tree.
    #[arg(long, conflicts_with = "no_boot")]
    pub trees: bool,
    /// Only the file cloud, beside Apache's mod_dav: large files and many small ones up and down, a large
    /// folder, syncs, memory.
    #[arg(long, conflicts_with_all = ["trees", "no_boot"])]
    pub files: bool,
    /// Only builds, no boots.
    #[arg(long)]
    pub no_boot: bool,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// `mazet recipe`.
#[derive(Debug, Subcommand)]
pub enum Recipe {
    /// Check a recipe with its services and templates; report all faults at once.
    Check {
        /// The recipe.
        #[arg(default_value = "pc")]
        recipe: String,
        /// The faults as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show the resolved plan.
    Show {
        /// The recipe.
        #[arg(default_value = "pc")]
        recipe: String,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

/// `mazet why`.
#[derive(Debug, Args)]
pub struct Why {
    /// The recipe.
    #[arg(default_value = "pc")]
    pub recipe: String,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// `mazet verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// The image file: NAME.img or NAME.img.zst.
    pub image: PathBuf,
    /// Trust this builder's key (a file, or the key itself) instead of those in ~/.config/mazet.
    /// Again for each key.
    #[arg(long, value_name = "KEY")]
    pub public_key: Vec<String>,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// `mazet inspect`.
#[derive(Debug, Args)]
pub struct Inspect {
    /// The image file.
    pub image: PathBuf,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// `mazet cache`.
#[derive(Debug, Subcommand)]
pub enum Cache {
    /// Show what takes how much room.
    Size {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Delete what newer results have replaced.
    Clean {
        /// Delete everything.
        #[arg(long)]
        all: bool,
    },
}

/// `mazet doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// `mazet generate`.
#[derive(Debug, Args)]
pub struct Generate {
    /// Where to.
    #[arg(default_value = "docs/generated")]
    pub folder: PathBuf,
    /// Write nothing; exit with 3 where a file is not as the code would write it.
    #[arg(long)]
    pub check: bool,
}

/// The hidden subcommand's words.
#[derive(Debug, Args)]
pub struct SandboxWords {
    /// The sandbox's description.
    pub description: String,
    /// The command.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub words: Vec<std::ffi::OsString>,
}

/// The words of the other hidden subcommand.
#[derive(Debug, Args)]
pub struct UsersWords {
    /// The command.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub words: Vec<std::ffi::OsString>,
}

/// The hidden `internal-clock`.
#[derive(Debug, Clone, Args)]
pub struct ClockWords {
    /// A tools tree.
    pub tools: PathBuf,
    /// A base layer's tree.
    pub base: Option<PathBuf>,
}
