//! `mazet flash`.

use std::fs::File;
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use anyhow::{Context as _, Result, bail};
use mazet_model::answers::FILE as ANSWERS;
use serde_json::json;

use super::release;
use crate::cli;
use crate::flash::answers::{self, Prepared};
use crate::flash::choose::{self, Said, Target, Terminal};
use crate::flash::devices::{self, Device};
use crate::flash::fault::Fault;
use crate::flash::medium::Disk;
use crate::flash::ranges::{BLOCK, Ranges};
use crate::flash::report::Report;
use crate::flash::session::{self, INTERRUPTED, flash_all, stop_on_signals};
use crate::flash::source::{ImageFile, Patches, unpacked_size};
use crate::flash::write::Content;
use crate::flash::{open, patch, used};
use crate::paths::Project;
use crate::release::bmap::Bmap;
use crate::release::verify::{self, Extent, Trust};

/// Raw images consist of whole sectors.
const SECTOR: u64 = 512;

/// Checks the image, chooses, opens, writes, reads back.
///
/// # Errors
/// When there is no such image, a device may not be erased, or cannot be opened. Faults of single
/// sticks are told as they come, and end with exit code 1.
pub fn run(words: &cli::Flash) -> Result<ExitCode> {
    let devices = devices::scan()?;
    if words.list {
        return list(words, &devices);
    }
    let load = load(words)?;
    let targets = chosen(words, &devices, load.size)?;
    let mut disks: Vec<Disk> = targets.iter().map(open::open).collect::<Result<_>>()?;
    let stop = stop_on_signals().context("catching Ctrl-C")?;
    let mut report = Report::new(targets.iter().map(Target::name).collect(), words.json);
    let ends = flash_all(&mut disks, load.content(), &stop, &mut |place, event| report.tell(place, &event));
    drop(report);
    if let (true, Some(answers)) = (ends.iter().any(Result::is_ok), &load.answers) {
        tell(words, answers);
    }
    Ok(code(&ends, &stop))
}

/// What is written to every stick.
struct Load {
    image: ImageFile,
    map: Option<Bmap>,
    size: u64,
    used: Ranges,
    answers: Option<Prepared>,
    patches: Patches,
}

impl Load {
    fn content(&self) -> Content<'_> {
        Content {
            source: &self.image,
            size: self.size,
            used: &self.used,
            sums: self.map.as_ref().map_or(&[], |map| &map.mapped),
            patches: &self.patches,
        }
    }
}

/// The image that is named, checked, with the answers on its FAT.
fn load(words: &cli::Flash) -> Result<Load> {
    let answers = if words.no_answers { None } else { Some(answers::prepare(words.config.as_deref())?) };
    let image = ImageFile { path: find(&words.image)? };
    let map = verified(words, &image)?;
    let (size, used) = measure(&image, map.as_ref())?;
    let patches = match &answers {
        Some(answers) => patch::add_file(&image, size, ANSWERS, &answers.text)
            .context("putting the answers onto the stick (--no-answers writes the image as it is)")?,
        None => Patches::new(),
    };
    let used = used.with(patches.keys().map(|number| number * BLOCK..(number + 1) * BLOCK), size);
    Ok(Load { image, map, size, used, answers, patches })
}

/// Hands the claim code that was made to the user, or to the program that asked.
fn tell(words: &cli::Flash, answers: &Prepared) {
    if let (true, Some(code)) = (words.json, &answers.claim_code) {
        println!("{}", json!({ "claim_code": code, "address": answers.address() }));
    } else if let Some(text) = answers.to_text() {
        print!("{text}");
    }
}

fn code(ends: &[Result<(), Fault>], stop: &AtomicBool) -> ExitCode {
    if ends.iter().all(Result::is_ok) {
        ExitCode::SUCCESS
    } else if session::was_stopped(stop) {
        ExitCode::from(INTERRUPTED)
    } else {
        ExitCode::FAILURE
    }
}

fn list(words: &cli::Flash, devices: &[Device]) -> Result<ExitCode> {
    if words.json {
        let shown: Vec<&Device> = devices.iter().filter(|device| device.is_shown()).collect();
        println!("{}", serde_json::to_string_pretty(&shown)?);
    } else {
        print!("{}", choose::listing(devices));
    }
    Ok(ExitCode::SUCCESS)
}

/// The image that a word means: a file, or what a recipe of that name built.
fn find(word: &str) -> Result<PathBuf> {
    let given = PathBuf::from(word);
    if given.is_file() {
        return Ok(given);
    }
    let images = Project::find().map(|project| project.images()).unwrap_or_default();
    let built = ["img", "img.zst"].map(|end| images.join(format!("{word}.{end}")));
    match built.into_iter().find(|path| path.is_file()) {
        Some(path) => Ok(path),
        None => bail!("there is no image {word}: name an image file, or build one with ./mazet build {word}"),
    }
}

/// Checks the image before anything is erased, and says whose it is; gives its block map.
fn verified(words: &cli::Flash, image: &ImageFile) -> Result<Option<Bmap>> {
    let keys = release::trusted(&words.public_key)?;
    let verified = verify::verify(&image.path, &keys, Extent::Image)?;
    let shown = image.path.display();
    match verified.trust {
        Trust::Signed(comment) => eprintln!("{shown}: signed and whole ({comment})"),
        Trust::Unsigned if !words.public_key.is_empty() => bail!("{shown} is not signed: nothing was erased"),
        Trust::Unsigned => eprintln!("{shown}: not signed; right if you built it yourself"),
    }
    Ok(verified.map)
}

/// Size of the unpacked image, and what of it is used: from its block map, else from itself.
fn measure(image: &ImageFile, map: Option<&Bmap>) -> Result<(u64, Ranges)> {
    let shown = image.path.display();
    let size = match map {
        Some(map) => map.size,
        None => unpacked_size(&image.path).with_context(|| format!("reading {shown}"))?,
    };
    if size == 0 || size % SECTOR != 0 {
        bail!("{shown} is no image of a disk: it has {size} bytes, which are not whole sectors of {SECTOR}");
    }
    if let Some(map) = map {
        return Ok((size, map.used()));
    }
    if image.is_packed() {
        return Ok((size, Ranges::whole(size)));
    }
    let mut file = File::open(&image.path).with_context(|| format!("opening {shown}"))?;
    let used = used::used(&mut file, size).with_context(|| format!("reading {shown}"))?;
    Ok((size, used))
}

fn chosen(words: &cli::Flash, devices: &[Device], size: u64) -> Result<Vec<Target>> {
    let said = Said { devices: words.device.clone(), confirmed: words.yes_erase.clone() };
    let is_terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
    let (mut input, mut output) = (io::stdin().lock(), io::stderr());
    let terminal = is_terminal.then_some(Terminal { input: &mut input, output: &mut output });
    Ok(choose::choose(devices, &said, size, terminal)?)
}
