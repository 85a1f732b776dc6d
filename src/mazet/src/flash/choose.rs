//! Which devices are erased: named by the user, and confirmed by their model.

use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::devices::{Device, gigabytes};

/// What is written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A stick or a card.
    Device(Device),
    /// A file that stands for one: the disk of a virtual machine.
    File {
        /// Where it is.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
}

impl Target {
    /// What it is called in messages.
    pub fn name(&self) -> String {
        match self {
            Self::Device(device) => device.name.clone(),
            Self::File { path, .. } => path.display().to_string(),
        }
    }

    fn bytes(&self) -> u64 {
        match self {
            Self::Device(device) => device.bytes,
            Self::File { bytes, .. } => *bytes,
        }
    }

    /// What is typed to confirm that it may be erased.
    fn confirmation(&self) -> String {
        match self {
            Self::Device(device) => device.confirmation().to_owned(),
            Self::File { path, .. } => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        }
    }

    /// One line that tells it from others.
    fn line(&self) -> String {
        match self {
            Self::Device(device) => line(device),
            Self::File { path, bytes } => format!("{}  a file of {}", path.display(), gigabytes(*bytes)),
        }
    }
}

/// Why nothing is erased.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Unfit {
    /// No such device.
    #[error("there is no disk called {0}: `mazet flash --list` shows those that can be written")]
    Unknown(String),
    /// It is there and may not be erased.
    #[error("{name} is not erased: {why}")]
    Refused {
        /// Kernel name.
        name: String,
        /// The reason.
        why: String,
    },
    /// It has no room for the image.
    #[error("{name} is too small: it has {}, and the image needs {}; {} bytes are missing", gigabytes(*has), gigabytes(*needs), needs - has)]
    TooSmall {
        /// What it is called.
        name: String,
        /// Its bytes.
        has: u64,
        /// The image's bytes.
        needs: u64,
    },
    /// The same device twice.
    #[error("{0} was named twice")]
    Twice(String),
    /// Another model was confirmed.
    #[error("{name} is not erased: its model is \"{model}\", and that was not confirmed")]
    NotConfirmed {
        /// What it is called.
        name: String,
        /// What would confirm it.
        model: String,
    },
    /// Nobody to ask.
    #[error("no device was named, and there is no terminal to ask on: add --device NAME --yes-erase MODEL")]
    NobodyToAsk,
    /// Nothing to write to.
    #[error("no stick or card is there: plug one in")]
    NoDevice,
    /// An empty answer.
    #[error("nothing was chosen, nothing was erased")]
    NothingChosen,
    /// The terminal cannot be read.
    #[error("asking on the terminal: {0}")]
    Terminal(String),
}

impl From<io::Error> for Unfit {
    fn from(error: io::Error) -> Self {
        Self::Terminal(error.to_string())
    }
}

/// What the command line says.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// Kernel names, `/dev` paths, or paths of files.
    pub devices: Vec<String>,
    /// Models that may be erased.
    pub confirmed: Vec<String>,
}

/// A terminal to ask on.
pub struct Terminal<'a> {
    /// What is typed.
    pub input: &'a mut dyn BufRead,
    /// Where it is asked.
    pub output: &'a mut dyn Write,
}

impl Terminal<'_> {
    fn ask(&mut self, question: &str) -> io::Result<String> {
        write!(self.output, "{question}")?;
        self.output.flush()?;
        let mut answer = String::new();
        self.input.read_line(&mut answer)?;
        Ok(answer.trim().to_owned())
    }
}

/// Chooses what an image of `needs` bytes is written to. What the command line does not say is
/// asked on the terminal, if there is one.
///
/// # Errors
/// [`Unfit`]; then nothing may be written at all, not to the other devices either.
pub fn choose(
    devices: &[Device],
    said: &Said,
    needs: u64,
    mut terminal: Option<Terminal<'_>>,
) -> Result<Vec<Target>, Unfit> {
    let mut names = said.devices.clone();
    if names.is_empty() {
        let terminal = terminal.as_mut().ok_or(Unfit::NobodyToAsk)?;
        names = ask_names(devices, terminal)?;
    }
    let mut targets: Vec<Target> = Vec::new();
    for name in &names {
        let target = target(devices, name)?;
        let (has, name) = (target.bytes(), target.name());
        if has < needs {
            return Err(Unfit::TooSmall { name, has, needs });
        }
        if targets.contains(&target) {
            return Err(Unfit::Twice(name));
        }
        targets.push(target);
    }
    for target in &targets {
        confirm(target, &said.confirmed, terminal.as_mut())?;
    }
    Ok(targets)
}

fn ask_names(devices: &[Device], terminal: &mut Terminal<'_>) -> Result<Vec<String>, Unfit> {
    write!(terminal.output, "{}", listing(devices))?;
    if !devices.iter().any(|device| device.refusal.is_none()) {
        return Err(Unfit::NoDevice);
    }
    let answer = terminal.ask("Which is to be erased and written? Its name, or several: ")?;
    let names: Vec<String> =
        answer.split([' ', ',']).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    if names.is_empty() { Err(Unfit::NothingChosen) } else { Ok(names) }
}

/// What can be written, and below it what cannot, with the reason.
pub fn listing(devices: &[Device]) -> String {
    let mut text = String::from("Sticks and cards:\n");
    let (free, refused): (Vec<&Device>, Vec<&Device>) =
        devices.iter().filter(|device| device.is_shown()).partition(|device| device.refusal.is_none());
    for device in &free {
        text.push_str(&format!("  {}\n", line(device)));
        device.contents.iter().for_each(|phrase| text.push_str(&format!("      {phrase}\n")));
    }
    if free.is_empty() {
        text.push_str("  none\n");
    }
    for device in refused {
        let why = device.refusal.as_ref().map(ToString::to_string).unwrap_or_default();
        text.push_str(&format!("  ({}: not offered: {why})\n", line(device)));
    }
    text
}

/// `sdb  SanDisk Ultra  32.0 GB  serial 4C53`.
fn line(device: &Device) -> String {
    let model = if device.model.is_empty() { "unknown model" } else { &device.model };
    let serial = if device.serial.is_empty() { String::new() } else { format!("  serial {}", device.serial) };
    format!("{}  {model}  {}{serial}", device.name, gigabytes(device.bytes))
}

/// The target that a name on the command line means: a path with a folder other than `/dev` is a
/// file.
fn target(devices: &[Device], word: &str) -> Result<Target, Unfit> {
    let name = word.strip_prefix("/dev/").unwrap_or(word);
    if name.contains('/') {
        return file(Path::new(word));
    }
    let Some(device) = devices.iter().find(|device| device.name == name) else {
        return Err(Unfit::Unknown(name.to_owned()));
    };
    match &device.refusal {
        None => Ok(Target::Device(device.clone())),
        Some(why) => Err(Unfit::Refused { name: name.to_owned(), why: why.to_string() }),
    }
}

fn file(path: &Path) -> Result<Target, Unfit> {
    let name = path.display().to_string();
    match path.metadata() {
        Ok(meta) if meta.is_file() => Ok(Target::File { path: path.to_owned(), bytes: meta.len() }),
        Ok(_) => Err(Unfit::Refused { name, why: "it is neither a disk of /dev nor a file".to_owned() }),
        Err(error) => Err(Unfit::Refused { name, why: error.to_string() }),
    }
}

fn confirm(target: &Target, confirmed: &[String], terminal: Option<&mut Terminal<'_>>) -> Result<(), Unfit> {
    let model = target.confirmation();
    let is_it = |word: &str| same(word, &model);
    if confirmed.iter().any(|word| is_it(word)) {
        return Ok(());
    }
    if let (true, Some(terminal)) = (confirmed.is_empty(), terminal) {
        let question = format!(
            "{}\nEverything on it will be lost. To go on, type its model, \"{model}\": ",
            target.line()
        );
        if is_it(&terminal.ask(&question)?) {
            return Ok(());
        }
    }
    Err(Unfit::NotConfirmed { name: target.name(), model })
}

/// The same words, whatever their case and the spaces between them.
fn same(one: &str, two: &str) -> bool {
    let words = |text: &str| text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>();
    words(one) == words(two)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::flash::devices::Refusal;

    fn device(name: &str, model: &str, bytes: u64, refusal: Option<Refusal>) -> Device {
        let contents = vec![format!("{name}1: vfat \"KEY\", 4.0 GB")];
        Device { name: name.into(), model: model.into(), serial: "S1".into(), bytes, contents, refusal }
    }

    fn devices() -> Vec<Device> {
        vec![
            device("sda", "Disk", 1 << 40, Some(Refusal::System)),
            device("sdb", "SanDisk Ultra", 4_000_000_000, None),
            device("sdc", "", 8_000_000_000, None),
            device("sdd", "Busy", 8_000_000_000, Some(Refusal::Mounted("/media/anna/KEY".into()))),
        ]
    }

    /// The talk on a terminal, and how it ended.
    fn talk(said: &Said, typed: &str, needs: u64) -> (String, Result<Vec<String>, Unfit>) {
        let mut output = Vec::new();
        let mut input = Cursor::new(typed.as_bytes().to_vec());
        let terminal = Terminal { input: &mut input, output: &mut output };
        let chosen = choose(&devices(), said, needs, Some(terminal));
        let names = chosen.map(|targets| targets.iter().map(Target::name).collect());
        (String::from_utf8(output).expect("UTF-8"), names)
    }

    fn said(devices: &[&str], confirmed: &[&str]) -> Said {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Said { devices: owned(devices), confirmed: owned(confirmed) }
    }

    fn alone(said: &Said) -> Result<usize, String> {
        choose(&devices(), said, 1_000_000, None)
            .map(|targets| targets.len())
            .map_err(|unfit| unfit.to_string())
    }

    #[test]
    fn a_stick_is_named_and_its_model_typed() {
        let (shown, chosen) = talk(&Said::default(), "sdb\nsandisk  ultra\n", 1_000_000);
        insta::assert_snapshot!(shown, @r#"
        Sticks and cards:
          sdb  SanDisk Ultra  4.0 GB  serial S1
              sdb1: vfat "KEY", 4.0 GB
          sdc  unknown model  8.0 GB  serial S1
              sdc1: vfat "KEY", 4.0 GB
          (sdd  Busy  8.0 GB  serial S1: not offered: it is mounted at /media/anna/KEY: unmount it first (umount /media/anna/KEY))
        Which is to be erased and written? Its name, or several: sdb  SanDisk Ultra  4.0 GB  serial S1
        Everything on it will be lost. To go on, type its model, "SanDisk Ultra":
        "#);
        assert_eq!(chosen, Ok(vec!["sdb".to_owned()]));
    }

    #[test]
    fn a_stick_without_a_model_is_confirmed_by_its_serial_number() {
        let (_, chosen) = talk(&Said::default(), "sdc, sdb\nS1\nSanDisk Ultra\n", 1_000_000);
        assert_eq!(chosen, Ok(vec!["sdc".to_owned(), "sdb".to_owned()]));
    }

    #[test]
    fn another_answer_erases_nothing() {
        let (_, chosen) = talk(&Said::default(), "sdb\nyes\n", 1_000_000);
        assert!(matches!(chosen, Err(Unfit::NotConfirmed { .. })));
        let (_, chosen) = talk(&Said::default(), "\n", 1_000_000);
        assert_eq!(chosen, Err(Unfit::NothingChosen));
        let (_, chosen) = talk(&Said::default(), "", 1_000_000);
        assert_eq!(chosen, Err(Unfit::NothingChosen));
    }

    #[test]
    fn without_a_terminal_all_must_be_said() {
        assert_eq!(alone(&said(&["sdb", "/dev/sdc"], &["SanDisk Ultra", "S1"])), Ok(2));
        let refused = |devices, confirmed| alone(&said(devices, confirmed)).expect_err("refused");
        assert_eq!(
            refused(&[], &[]),
            "no device was named, and there is no terminal to ask on: add --device NAME --yes-erase MODEL"
        );
        assert_eq!(
            refused(&["sdb"], &[]),
            "sdb is not erased: its model is \"SanDisk Ultra\", and that was not confirmed"
        );
        assert_eq!(
            refused(&["sdb", "sdc"], &["SanDisk Ultra"]),
            "sdc is not erased: its model is \"S1\", and that was not confirmed"
        );
        assert_eq!(refused(&["sdb", "/dev/sdb"], &["SanDisk Ultra"]), "sdb was named twice");
    }

    #[test]
    fn what_may_not_be_erased_is_refused_by_name_too() {
        let refused = |name| alone(&said(&[name], &["Disk", "Busy"])).expect_err("refused");
        assert_eq!(refused("sda"), "sda is not erased: this computer runs from it");
        assert!(refused("/dev/sdd").starts_with("sdd is not erased: it is mounted at /media/anna/KEY"));
        assert!(refused("sdz").starts_with("there is no disk called sdz"));
        assert!(refused("/").ends_with("it is neither a disk of /dev nor a file"));
    }

    #[test]
    fn a_device_smaller_than_the_image_is_refused() {
        let said = said(&["sdb"], &["SanDisk Ultra"]);
        let (_, chosen) = talk(&said, "", 4_000_000_512);
        assert_eq!(
            chosen.expect_err("too small").to_string(),
            "sdb is too small: it has 4.0 GB, and the image needs 4.0 GB; 512 bytes are missing"
        );
    }

    #[test]
    fn a_file_stands_for_a_stick() {
        let file = tempfile::NamedTempFile::new().expect("file");
        file.as_file().set_len(2_000_000).expect("length");
        let path = file.path().to_string_lossy().into_owned();
        let name = file.path().file_name().expect("name").to_string_lossy().into_owned();
        assert_eq!(alone(&said(&[&path], &[&name])), Ok(1));
    }
}
