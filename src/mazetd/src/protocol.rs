//! What `mazetd web` may ask of `mazetd broker`.
//!
//! One JSON document per line over a Unix stream socket ([`SOCKET`]): a [`Request`], then
//! its [`Response`]. The set is small, fixed and typed: the unprivileged half can ask for
//! nothing else.

use std::collections::BTreeMap;
use std::net::IpAddr;

use mazet_model::fault::Fault;
use mazet_model::manifest::{Client, Feature, Text};
use mazet_model::setting_fault::SettingFault;
use mazet_model::settings::{Language, Settings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::measure::desk::Comparison;
use crate::network::Facts;
use crate::reports::{Chosen, Sent, Shown};
use crate::trial::Standing;
use crate::updates::Updates;
use crate::websites::order::Order;
use crate::{certificates, change, websites};

/// The broker's socket, `root:mazetd`, mode 0660.
pub const SOCKET: &str = "/run/mazetd/broker.sock";

/// A request to the broker.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// What machine is this, and how far is it set up?
    Status,
    /// Is this the claim code? Compared in constant time, tries limited by address and in all.
    Claim {
        /// As typed; spaces, dashes and case do not matter.
        code: String,
        /// Where the visitor comes from.
        address: IpAddr,
    },
    /// Which disks could take the box? Never the live medium.
    Disks,
    /// Which boxes lie on these disks, whose data could be kept?
    Boxes,
    /// Look what is in this place of backups. Answered at once; [`Request::Looked`] tells what is found.
    Look {
        /// Its description, as the program for backups reads it: an object of texts.
        place: serde_json::Value,
        /// The recovery key, as typed; kept in memory alone, never sent out.
        key: String,
    },
    /// What was found there?
    Looked,
    /// The wizard's answers so far.
    Answers,
    /// Keep these answers (on the stick where it can be written, so that a power cut loses none).
    SaveAnswers {
        /// All answers, replacing the earlier ones.
        answers: Box<Answers>,
    },
    /// Hash this password (Argon2id) and keep the hash with the answers.
    SetPassword {
        /// In clear; never written anywhere.
        password: String,
    },
    /// Install to disk from the kept answers; refused while one is missing.
    Install,
    /// Which wireless networks are there?
    Heard {
        /// Listen now, which takes some seconds; else what was heard last.
        listen: bool,
    },
    /// Keep this wireless network (its key, not the passphrase) and connect to it.
    SetWifi {
        /// The network's name; none: the cable alone.
        ssid: Option<String>,
        /// In clear; never written anywhere. None: the key kept for this name, else an open network.
        passphrase: Option<String>,
        /// Two capital letters.
        country: String,
    },
    /// What should the visitor know that no step asks about?
    Notices,
    /// How far is the installation?
    Progress,
    /// Restart the machine (after an installation).
    Reboot,
    /// The health report, as `mazetd health` gives it.
    Health,
    /// The installed box's settings, and the services that they may switch.
    Settings,
    /// What would these settings change? Nothing is.
    PreviewSettings {
        /// All settings, replacing the earlier ones.
        settings: Box<Settings>,
    },
    /// Put these settings in force. Answered at once; [`Request::LastChange`] tells how it goes.
    ChangeSettings {
        /// All settings, replacing the earlier ones.
        settings: Box<Settings>,
        /// The [`change::Current::version`] that they were made from: refused when it is another now.
        seen: String,
    },
    /// How does the last change of the settings stand?
    LastChange,
    /// How do Debian's updates stand?
    Updates,
    /// What does the box answer to, and which service serves it?
    Sites,
    /// The network as it is now.
    Network,
    /// Which network settings wait to be confirmed, or went back unconfirmed?
    Trial,
    /// Somebody reached the box: the network settings on trial stay.
    KeepNetwork,
    /// Somebody does not want the network settings on trial: the earlier ones come back. Answered at once.
    RevertNetwork,
    /// Somebody read that network settings went back.
    TrialSeen,
    /// What does the installed box offer to its members, and where?
    Offers,
    /// The file with which a program of somebody sets itself up.
    Profile(Wanted),
    /// Services of which one must be chosen, and what is known to choose by.
    Comparison {
        /// What they are one of: `web-server`.
        alternative: String,
    },
    /// Measure them on this machine. Answered at once; [`Request::Comparison`] tells how it goes.
    Measure,
    /// Is a password kept for the mail relay?
    MailPassword,
    /// Keep this password for the mail relay, in a file that is root's alone.
    SetMailPassword {
        /// In clear; empty: forget the one that is kept.
        password: String,
    },
    /// Have the messages that are due sent, by the unit that has a network. Answered at once.
    SendMail,
    /// The certificate of the box's own authority, which everybody may have.
    Authority,
    /// How the box's certificates stand.
    Certificates,
    /// Order a certificate of another authority now. Answered at once; [`Request::Certificates`] tells how it goes.
    OrderCertificate,
    /// Keep what opens an account at a DNS provider, in the place of what was kept before.
    SetDnsAccount {
        /// The provider, by its name in a manifest.
        provider: String,
        /// Values by the names of its variables, in clear; written for root alone, never sent out.
        values: BTreeMap<String, String>,
    },
    /// A page that a service gives to the operator, as it is now.
    Report {
        /// The service's name.
        service: String,
        /// The report's.
        report: String,
    },
    /// Do what such a page offers.
    ActOnReport(Chosen),
    /// Keep what its form asks for, in a file that is root's alone.
    SendReport(Sent),
    /// The associations' web sites, and what others there could be.
    Websites,
    /// Something is to be done to one. Answered at once; [`Request::Websites`] tells how it goes.
    OrderWebsite {
        /// What.
        order: Box<Order>,
    },
    /// Open an archive of a web site. The open file comes beside the answer (SCM_RIGHTS, unix(7)).
    OpenArchive {
        /// The site's number.
        id: u16,
        /// The archive's.
        archive: i64,
    },
    /// Delete an archive of a web site.
    ForgetArchive {
        /// The site's number.
        id: u16,
        /// The archive's.
        archive: i64,
    },
}

/// The broker's answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "response", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Response {
    /// To [`Request::Status`].
    Status(Status),
    /// To [`Request::Claim`].
    Claim(ClaimVerdict),
    /// To [`Request::Disks`].
    Disks {
        /// Every disk but the live medium.
        disks: Vec<Disk>,
    },
    /// To [`Request::Boxes`].
    Boxes {
        /// They.
        boxes: Vec<KnownBox>,
    },
    /// To [`Request::Looked`].
    Looked(Looked),
    /// To [`Request::Answers`].
    Answers(Box<Answers>),
    /// To [`Request::Heard`].
    Heard(Heard),
    /// To [`Request::Notices`].
    Notices(Box<Notices>),
    /// To [`Request::Progress`].
    Progress(Progress),
    /// To [`Request::Health`].
    Health(crate::health::Report),
    /// To [`Request::Settings`].
    Settings(Box<change::Current>),
    /// To [`Request::PreviewSettings`].
    Preview(Box<change::Preview>),
    /// To [`Request::LastChange`].
    LastChange(change::Last),
    /// To [`Request::Updates`].
    Updates(Updates),
    /// To [`Request::Sites`].
    Sites(Box<Sites>),
    /// To [`Request::Network`].
    Network(Box<Facts>),
    /// To [`Request::Trial`].
    Trial(Standing),
    /// To [`Request::Offers`].
    Offers(Offers),
    /// To [`Request::Profile`]; none: no client has it.
    Profile {
        /// The file.
        file: Option<Made>,
    },
    /// To [`Request::Comparison`].
    Comparison(Box<Comparison>),
    /// To [`Request::MailPassword`].
    MailPassword {
        /// There is one. It is never sent out.
        kept: bool,
    },
    /// To [`Request::Authority`].
    Authority {
        /// The certificate, PEM.
        pem: String,
    },
    /// To [`Request::Certificates`].
    Certificates(Box<certificates::State>),
    /// To [`Request::Report`]; none: no service that is on has it.
    Report {
        /// It.
        shown: Option<Box<Shown>>,
    },
    /// To [`Request::Websites`].
    Websites(Box<websites::State>),
    /// To [`Request::OpenArchive`], with the open file.
    Archive {
        /// The site's name.
        name: String,
        /// Its size.
        bytes: u64,
    },
    /// What was given cannot be, for these reasons.
    Faulty {
        /// All of them.
        faults: Vec<SettingFault>,
    },
    /// Done, nothing to add.
    Done,
    /// Refused or failed.
    Refused {
        /// Catalogue key of the reason, where the visitor can mend it.
        key: String,
        /// For the log and for "details": what failed, why.
        detail: String,
    },
}

/// What the machine is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// Live or installed.
    pub mode: Mode,
    /// Box name (host name).
    pub name: String,
    /// Association's name; empty in the live system.
    pub organisation: String,
    /// Default language of the box.
    pub language: Language,
    /// Version of Mazet.
    pub version: String,
    /// The box lives on the very card that it was installed from, which stays in the machine.
    pub keeps_medium: bool,
    /// The box has a mail relay: it can send messages.
    pub sends_mail: bool,
}

/// What the installed box offers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Offers {
    /// Where the box answers, without the last slash: `https://mazet.local`.
    pub address: String,
    /// Its name at home: `mazet.local`.
    pub home: String,
    /// Its services that have something for people: pages, or what their programs connect to.
    pub services: Vec<Offer>,
    /// What its services do that the box's own pages are about.
    #[serde(default)]
    pub features: Vec<Feature>,
}

/// A service that people use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// Its name.
    pub name: String,
    /// What members call it.
    pub title: Text,
    /// One sentence about it.
    pub summary: Text,
    /// Where its pages are: a path that begins and ends with a slash; none: it has none.
    pub path: Option<String>,
    /// For whom: `member`, or a role.
    pub access: String,
    /// Programs of people that connect to it; a `location` is a path below the box's address.
    pub clients: Vec<Client>,
}

/// Which profile, and for whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// Name of the service.
    pub service: String,
    /// Name of the file.
    pub file: String,
    /// Their login.
    pub login: String,
    /// Their mail address; none: that of the box's own name.
    pub email: Option<String>,
}

/// A file that was made for somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Made {
    /// Media type (RFC 2046).
    pub media: String,
    /// For whom its service is: `member`, or a role.
    pub access: String,
    /// Content.
    pub content: String,
}

/// What the front web server answers to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sites {
    /// Every path that is answered, host name by host name.
    pub sites: Vec<Site>,
    /// Whole days until the certificate for the names on the box's own network ends; none: it cannot be read.
    pub certificate_days: Option<i64>,
}

/// A path that is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Host names; none: every name and address that no other site has.
    pub names: Vec<String>,
    /// The beginning of the paths.
    pub location: String,
    /// The service's title.
    pub service: Text,
    /// Who may ask: `public`, `member`, `nobody`, or a role.
    pub access: String,
}

/// How the system runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// From the stick or the rescue copy: the wizard.
    Live,
    /// From the box's own disk.
    Installed,
}

/// Verdict on a claim code.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ClaimVerdict {
    /// It is the code.
    Granted,
    /// It is not.
    Wrong,
    /// Too many tries.
    Limited {
        /// Seconds until the next try is looked at.
        retry_after_seconds: u64,
    },
}

/// A disk as the volunteer sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disk {
    /// Kernel name: `sda`, `nvme0n1`.
    pub name: String,
    /// Model, as the disk says; may be empty.
    pub model: String,
    /// Serial number, as the disk says; may be empty (then the kernel name is what must be typed).
    pub serial: String,
    /// Size in bytes.
    pub bytes: u64,
    /// What it holds, one for each partition or signature; empty for a blank disk.
    pub contents: Vec<Content>,
    /// It holds a Mazet.
    pub holds_mazet: bool,
    /// Too small to install to.
    pub too_small: bool,
    /// The live system runs from it: its FAT stays, the box takes the rest.
    #[serde(default)]
    pub medium: bool,
}

/// What lies on a disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "content", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Content {
    /// A partition, or a disk that is formatted whole.
    Volume {
        /// Kernel name: `sda1`.
        name: String,
        /// What `blkid` calls it: `ntfs`, `ext4`; none: it does not know.
        kind: Option<String>,
        /// The name that its owner gave.
        label: Option<String>,
        /// UUID of its file system.
        #[serde(default)]
        uuid: Option<String>,
        /// Size in bytes.
        bytes: u64,
    },
    /// A partition table without a partition.
    Table {
        /// `dos`, `gpt`.
        kind: String,
    },
    /// Something that nobody knows.
    Unknown,
}

/// What the visitor wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// A new box.
    New,
    /// The system of a box anew; its data stays.
    Keep,
    /// A box as a backup holds it.
    Restore,
}

/// What is in a place of backups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Looked {
    /// The image has no program for backups.
    Unable,
    /// Nobody looked yet.
    Nothing,
    /// Somebody is looking.
    Looking,
    /// A backup.
    Found(Box<Backup>),
    /// None, and why.
    Fault(Text),
}

/// A backup, as it says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// What people know its place by; without any secret.
    pub title: String,
    /// Its name there.
    pub backup: String,
    /// Name of the box.
    pub r#box: String,
    /// When it was made, seconds since 1970.
    pub at: i64,
    /// Services of the box.
    pub services: Vec<String>,
    /// Number of files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes that a disk needs for all of it.
    pub bytes_needed: u64,
}

/// A box that lies on disks of the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownBox {
    /// UUID of its btrfs.
    pub uuid: String,
    /// Its disks, by kernel name.
    pub disks: Vec<String>,
    /// Its name; empty where its settings cannot be read.
    pub name: String,
    /// Its association's name.
    pub organisation: String,
    /// Why it cannot be kept: what failed, why; none: it can.
    pub fault: Option<String>,
}

/// The wizard's answers so far; `None` is not answered yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// Language step.
    pub language: Option<Language>,
    /// First choice.
    pub purpose: Option<Purpose>,
    /// The box whose data stays, with [`Purpose::Keep`].
    #[serde(default)]
    pub kept: Option<KnownBox>,
    /// The backup that is put back, with [`Purpose::Restore`].
    #[serde(default)]
    pub backup: Option<Backup>,
    /// Chosen disks (one or two) by kernel name and serial, both checked again at install.
    pub disks: Option<Vec<ChosenDisk>>,
    /// Association's name.
    pub organisation: Option<String>,
    /// Box's name.
    pub box_name: Option<String>,
    /// IANA time zone.
    pub timezone: Option<String>,
    /// Operator's full name.
    pub operator_name: Option<String>,
    /// Operator's login.
    pub operator_login: Option<String>,
    /// Wi-Fi, set by [`Request::SetWifi`] alone; the cable where the machine has no wireless device.
    #[serde(default)]
    pub wifi: Option<Wifi>,
    /// PHC string of the operator's password, set by [`Request::SetPassword`] only: the
    /// broker never sends it out (it answers with an empty string in its place).
    pub operator_password: Option<String>,
}

/// A Wi-Fi network, chosen or given in advance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wifi {
    /// Two capital letters (ISO 3166-1).
    pub country: Option<String>,
    /// The network's name; none: the cable alone.
    pub ssid: Option<String>,
    /// Its key, 64 hexadecimal digits; none: an open network. The broker never sends it out (it
    /// answers with an empty string in its place).
    pub key: Option<String>,
}

/// What a visitor should know.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notices {
    /// Mistakes in the answers given in advance.
    pub faults: Vec<Fault>,
    /// No time server answered, and the machine has no clock of its own that is right.
    pub clock_unset: bool,
    /// The machine has a wireless device: the wizard asks for a network.
    pub wireless: bool,
}

/// What a scan for wireless networks found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heard {
    /// The strongest first.
    pub networks: Vec<Network>,
}

/// A wireless network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Its name.
    pub ssid: String,
    /// Strength in dBm.
    pub signal: i16,
    /// It asks for a key.
    pub secured: bool,
}

/// A disk chosen in the wizard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChosenDisk {
    /// Kernel name.
    pub name: String,
    /// Serial number.
    pub serial: String,
    /// What the visitor typed to confirm that the disk may be erased; must equal the serial
    /// (the kernel name where there is none) if the disk holds anything.
    pub typed_serial: String,
}

/// How far an installation is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// Stages in order.
    pub stages: Vec<Stage>,
    /// All done: the machine may restart.
    pub finished: bool,
    /// What failed: a sentence for the visitor's eyes under "details".
    pub error: Option<String>,
}

/// One stage of an installation.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Catalogue key below `install.stage.`: `partition`, `format`, `unpack`, `boot`, `settings`, `check`.
    pub name: String,
    /// 0–100.
    pub percent: u8,
    /// It is over.
    pub done: bool,
}
