//! `mazet-files`: the box's file cloud.
//!
//! | command | runs as | does |
//! |---|---|---|
//! | `serve` | mazet-files, sandboxed | answers the front web server by a Unix socket |
//! | `check` | root | is it well? Asks it by its socket |
//! | `publish` | root | has it make a folder that is to be a web site |
//! | `scan` | root | has it look for what was changed on the disk by hand |
//! | `snapshot` | root | keeps the data as it is now, and removes what is outdated |
//! | `picture` | what `serve` runs as | draws one small picture: `serve` asks for it |

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use mazet_files::access::Access;
use mazet_files::app::{self, App};
use mazet_files::client;
use mazet_files::pictures::{Pictures, Wish, draw};
use mazet_files::snapshots::btrfs::{self, Btrfs};
use mazet_files::snapshots::{self, Moment, keep};
use mazet_files::storage::{self, Storage};
use mazet_files::uploads::Uploads;
use mazet_files::{notify, serve};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::signal::unix::{SignalKind, signal};

/// What was deleted long ago is looked for so often.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The box's file cloud.
#[derive(Debug, Parser)]
#[command(name = "mazet-files", version)]
struct Cli {
    /// The program's socket
    #[arg(long, global = true, value_name = "FILE", default_value = "/run/mazet-files/files.sock")]
    socket: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Talk(Talk),
    #[command(flatten)]
    Draw(Draw),
    /// Takes a snapshot of the files, and removes those that are outdated; on a btrfs, elsewhere nothing is done
    Snapshot(Snapshot),
}

#[derive(Debug, clap::Args)]
struct Snapshot {
    /// The data: a subvolume, with the folder of the files in it
    #[arg(long, value_name = "DIR", default_value = "/srv")]
    data: PathBuf,
    /// Where snapshots lie, on the same file system
    #[arg(long, value_name = "DIR", default_value = snapshots::FOLDER)]
    snapshots: PathBuf,
}

/// What is done by a socket.
#[derive(Debug, Subcommand)]
enum Talk {
    /// Answers the front web server
    Serve(Serve),
    /// Is the running program well?
    Check,
    /// Has the running program look for what was changed in its folder by hand
    Scan,
    /// Has the running program make a folder among an association's files, with a first page in it; one that is
    /// there stays as it is
    Publish(Publish),
}

/// What is done with a picture, by a process that holds nothing else.
#[derive(Debug, Subcommand)]
enum Draw {
    /// Draws the picture of standard input small, to standard output
    #[command(hide = true)]
    Picture {
        /// Most pixels from left to right
        width: u32,
        /// Most pixels from top to bottom
        height: u32,
        /// Fills both, and cuts off what is more
        #[arg(long)]
        crop: bool,
    },
}

#[derive(Debug, clap::Args)]
struct Serve {
    /// Where the files lie
    #[arg(long, value_name = "DIR", default_value = storage::FOLDER)]
    folder: PathBuf,
    /// Where snapshots of them lie
    #[arg(long, value_name = "DIR", default_value = snapshots::FOLDER)]
    snapshots: PathBuf,
    /// Folder of PostgreSQL's socket
    #[arg(long, value_name = "DIR", default_value = mazet_database::connect::SOCKET)]
    database_socket: PathBuf,
    /// Database of the files
    #[arg(long, value_name = "NAME", default_value = storage::DATABASE)]
    database: String,
    /// Database of the directory
    #[arg(long, value_name = "NAME", default_value = mazet_directory::DATABASE)]
    directory: String,
    /// Group that may use the socket, by name
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Publish {
    /// The association's number
    organisation: i64,
    /// The folder's path among its files
    folder: String,
    /// The file that becomes `index.html` there
    #[arg(long, value_name = "FILE")]
    page: PathBuf,
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mazet-files: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<()> {
    match cli.command {
        Command::Draw(Draw::Picture { width, height, crop }) => draw::draw(Wish { width, height, crop }),
        Command::Snapshot(wish) => snapshot(wish),
        Command::Talk(talk) => {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                // Threads for the disk: each has its stack, and one disk does no more at a time.
                .max_blocking_threads(16)
                .build()
                .context("starting the runtime")?;
            runtime.block_on(talked(&cli.socket, talk))
        }
    }
}

fn snapshot(wish: Snapshot) -> Result<()> {
    if !btrfs::is_subvolume(&wish.data)? {
        println!("{} is no subvolume of a btrfs: no snapshots", wish.data.display());
        return Ok(());
    }
    let snapshots = Btrfs { data: wish.data, folder: wish.snapshots };
    println!("{}", keep::run(&snapshots, Moment::now, &jiff::tz::TimeZone::system())?);
    Ok(())
}

async fn talked(socket: &Path, talk: Talk) -> Result<()> {
    match talk {
        Talk::Serve(options) => serving(socket, &options).await,
        Talk::Check => client::ask(socket, "GET", "/check", Vec::new()).await.map(drop),
        Talk::Scan => {
            print!("{}", client::ask(socket, "POST", "/scan", Vec::new()).await?);
            Ok(())
        }
        Talk::Publish(wish) => {
            let page =
                std::fs::read(&wish.page).with_context(|| format!("reading {}", wish.page.display()))?;
            let folder = utf8_percent_encode(&wish.folder, NON_ALPHANUMERIC);
            let path = format!("/publish?organisation={}&folder={folder}", wish.organisation);
            print!("{}", client::ask(socket, "POST", &path, page).await?);
            Ok(())
        }
    }
}

async fn serving(socket: &Path, options: &Serve) -> Result<()> {
    let place = |database: &str| mazet_database::Place {
        socket: options.database_socket.clone(),
        database: database.to_owned(),
        role: storage::ROLE.to_owned(),
    };
    let directory = place(&options.directory);
    let storage = Storage::new(&options.folder, &options.snapshots, &place(&options.database), &directory)
        .with_context(|| format!("opening {}", options.folder.display()))?;
    let access = Access::new(&directory, &storage)?;
    if let Some(found) = storage.start().await.context("looking at the files")? {
        eprintln!("the last run was cut short; files: {found}");
    }
    let group = options.group.as_deref().map(client::group).transpose()?;
    let listener = serve::bind(socket, group)?;
    let stopped = stopped()?;
    let uploads = Uploads::new(storage.clone());
    // What runs, also where its file was replaced since.
    let pictures = Arc::new(Pictures::new(Path::new("/proc/self/exe")));
    let app = App { storage: storage.clone(), access, uploads: uploads.clone(), pictures };
    let router = app::router(app)?;
    tokio::spawn(purging(storage.clone(), uploads));
    notify::ready()?;
    serve::until(stopped, listener, router).await;
    storage.stop().await.context("ending")
}

/// Ends with the service manager's word, or the keyboard's.
fn stopped() -> Result<impl Future<Output = ()>> {
    let mut terminated = signal(SignalKind::terminate()).context("listening for signals")?;
    let mut interrupted = signal(SignalKind::interrupt()).context("listening for signals")?;
    Ok(async move {
        tokio::select! {
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
        }
    })
}

/// What was deleted long ago goes for good, at the start and every day.
async fn purging(storage: Storage, uploads: Uploads) {
    loop {
        if let Err(error) = uploads.sweep().await {
            eprintln!("removing uploads that nobody went on with: {error}");
        }
        if let Err(error) = storage.purge_old().await {
            eprintln!("emptying the bins of what was deleted long ago: {error}");
        }
        tokio::time::sleep(DAY).await;
    }
}
