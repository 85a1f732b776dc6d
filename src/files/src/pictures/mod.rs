//! Small pictures of pictures, for sync clients: a telephone's list of photos does not fetch the photos.
//!
//! | module | subject |
//! |---|---|
//! | [`Pictures`] | asks another process for them |
//! | [`draw`] | what that process does |
//!
//! A file of a few kilobytes can stand for gigabytes of picture, or for hours of work. So each is drawn by
//! a process of its own, one at a time, which the kernel ends when it takes too much of either; what is
//! too large by its own word is not begun. The pages show the files themselves: browsers draw there.

pub mod draw;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::Semaphore;

use crate::pages::kind;
use crate::storage::Entry;

/// Bytes of the largest file of which one is made.
const BYTES: u64 = 40 << 20;
/// For one, at most: the process has less time of the processor, but may have to wait for it.
const PATIENCE: Duration = Duration::from_secs(30);
/// What they are made of, by media type.
const KINDS: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];

/// How a picture is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// Most pixels from left to right.
    pub width: u32,
    /// Most pixels from top to bottom.
    pub height: u32,
    /// Both are filled, and what is more on two sides is cut off.
    pub crop: bool,
}

/// A picture that was made.
#[derive(Debug)]
pub struct Picture {
    /// Its media type.
    pub media: &'static str,
    /// Its file.
    pub bytes: Vec<u8>,
}

/// Makes pictures.
pub struct Pictures {
    program: PathBuf,
    /// Pictures at a time: each may take hundreds of megabytes for a moment.
    seat: Semaphore,
}

impl Pictures {
    /// Pictures that this program makes: `mazet-files`.
    pub fn new(program: &Path) -> Self {
        Self { program: program.to_owned(), seat: Semaphore::new(1) }
    }

    /// A small picture of the one in the file, never a larger one; none: it is no picture, or one that
    /// takes too much.
    ///
    /// # Errors
    /// When the program cannot be run, or the disk fails.
    pub async fn of(&self, file: File, wish: Wish) -> std::io::Result<Option<Picture>> {
        let (file, is_one) = tokio::task::spawn_blocking(move || {
            let is_one = is_picture(&file)?;
            Ok::<_, std::io::Error>((file, is_one))
        })
        .await
        .map_err(std::io::Error::other)??;
        let Some(_seat) = self.seat.acquire().await.ok().filter(|_| is_one) else { return Ok(None) };
        let mut command = Command::new(&self.program);
        command.arg("picture").arg(wish.width.to_string()).arg(wish.height.to_string());
        if wish.crop {
            command.arg("--crop");
        }
        command.env_clear().stdin(Stdio::from(file)).stdout(Stdio::piped()).stderr(Stdio::null());
        let drawn = tokio::time::timeout(PATIENCE, command.kill_on_drop(true).output()).await;
        let Ok(drawn) = drawn else { return Ok(None) };
        let drawn = drawn?;
        let media = kind::of(&drawn.stdout[..drawn.stdout.len().min(kind::HEAD)]).media;
        let picture = Picture { media, bytes: drawn.stdout };
        Ok(drawn.status.success().then_some(picture).filter(|picture| KINDS.contains(&picture.media)))
    }
}

/// Is there probably one of this file? Without a look at it.
pub fn is_likely(entry: &Entry) -> bool {
    !entry.is_folder && entry.size <= BYTES && KINDS.contains(&entry.media_type())
}

/// Is it a picture of which one is made, by what is in it?
fn is_picture(file: &File) -> std::io::Result<bool> {
    use std::os::unix::fs::FileExt as _;
    let mut head = [0; 64];
    let read = file.read_at(&mut head, 0)?;
    Ok(file.metadata()?.len() <= BYTES && KINDS.contains(&kind::of(&head[..read]).media))
}
