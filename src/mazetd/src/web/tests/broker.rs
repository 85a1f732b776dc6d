//! A broker for tests: speaks the real protocol over a real socket, and touches no machine.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use mazet_model::manifest::{Client, Feature, Profile, Text, Usage};
use mazet_model::setting_fault::SettingFault;
use mazet_model::settings::{Language, Settings};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::oneshot;

use crate::change::{Changed, Current, Last, Preview, Service};
use crate::health::Report;
use crate::measure::desk::{Candidate, Comparison};
use crate::network::{Address, Card, Facts};
use crate::protocol::{
    Answers, ClaimVerdict, Content, Disk, Heard, KnownBox, Looked, Made, Mode, Notices, Offer, Offers,
    Progress, Purpose, Request, Response, Site, Sites, Stage, Status, Wanted, Wifi,
};
use crate::reports::{Chosen, Shown};
use crate::trial::Standing;
use crate::updates::Updates;
use crate::websites::order::{Last as LastAct, Order};
use crate::websites::{Kind, Site as Website};
use crate::{certificates, tls, websites};

/// What the broker knows, for tests to set and to look at.
pub struct State {
    pub status: Status,
    pub tries_left: u32,
    pub disks: Vec<Disk>,
    pub boxes: Vec<KnownBox>,
    /// Places that were looked into, with their keys.
    pub looks: Vec<(serde_json::Value, String)>,
    pub looked: Looked,
    pub answers: Answers,
    pub passwords: Vec<String>,
    pub progress: Progress,
    pub notices: Notices,
    pub heard: Heard,
    pub settings: Current,
    pub last: Last,
    pub facts: Facts,
    pub updates: Updates,
    pub health: Report,
    pub trial: Standing,
    pub comparison: Comparison,
    pub certificates: certificates::State,
    pub websites: websites::State,
    pub report: Shown,
    /// What its services do.
    pub features: Vec<Feature>,
    /// What was asked of pages of services.
    pub report_acts: Vec<Chosen>,
    /// What was ordered of web sites.
    pub website_orders: Vec<Order>,
    /// The folder of the box's certificates.
    pub tls: TempDir,
    pub refuse: Option<(&'static str, &'static str)>,
    pub asked: Vec<String>,
    held: Option<(oneshot::Sender<()>, oneshot::Receiver<()>)>,
}

/// A broker behind a socket in a folder of its own.
pub struct FakeBroker {
    folder: TempDir,
    state: Arc<Mutex<State>>,
}

impl FakeBroker {
    pub fn start(mode: Mode) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state = Arc::new(Mutex::new(State::new(mode)));
        let listener = UnixListener::bind(folder.path().join("broker.sock")).unwrap();
        tokio::spawn(serve(listener, Arc::clone(&state)));
        Self { folder, state }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("broker.sock")
    }

    /// Hold back the next answer: the first channel tells that a request came, the second lets
    /// the answer go.
    pub fn hold(&self) -> (oneshot::Receiver<()>, oneshot::Sender<()>) {
        let (came, asked) = oneshot::channel();
        let (answer, go) = oneshot::channel();
        self.state().held = Some((came, go));
        (asked, answer)
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl State {
    fn new(mode: Mode) -> Self {
        let installed = mode == Mode::Installed;
        Self {
            status: Status {
                mode,
                name: "mazet".to_owned(),
                organisation: if installed { "Les Amis du Mazet".to_owned() } else { String::new() },
                language: Language::Fr,
                version: "0.1.0".to_owned(),
                keeps_medium: false,
                sends_mail: false,
            },
            tries_left: 5,
            disks: disks(),
            boxes: Vec::new(),
            looks: Vec::new(),
            looked: Looked::Nothing,
            // No wireless device: the broker answers for it.
            answers: Answers { wifi: Some(Wifi::default()), ..Answers::default() },
            passwords: Vec::new(),
            progress: Progress::default(),
            notices: Notices::default(),
            heard: Heard::default(),
            settings: current(),
            last: Last::default(),
            facts: facts(),
            updates: Updates::default(),
            health: Report { findings: Vec::new() },
            trial: Standing::default(),
            comparison: comparison(),
            certificates: certificates::State::default(),
            websites: websites(),
            report: super::reports::rooms(),
            features: vec![Feature::Mailboxes, Feature::Calendars],
            report_acts: Vec::new(),
            website_orders: Vec::new(),
            tls: authority(),
            refuse: None,
            asked: Vec::new(),
            held: None,
        }
    }

    /// As the real one: the name, the address and the Wi-Fi are looked at.
    fn preview(&self, wished: &Settings) -> Preview {
        let name = |settings: &Settings| settings.machine.name.clone();
        if name(wished).contains(' ') {
            let fault =
                SettingFault::new("name", &[("value", &wished.machine.name)], "box.name: no host name");
            return Preview { faults: vec![fault], ..Preview::default() };
        }
        let earlier = &self.settings.settings;
        let of = |path: &str, old: String, new: String| Changed { path: path.to_owned(), old, new };
        let address = |settings: &Settings| settings.network.address.clone().unwrap_or_default();
        let ssid = |settings: &Settings| settings.wifi.ssid.clone().unwrap_or_default();
        let mut settings = vec![
            of("box.name", name(earlier), name(wished)),
            of("network.address", address(earlier), address(wished)),
            of("wifi.ssid", ssid(earlier), ssid(wished)),
        ];
        settings.retain(|changed| changed.old != changed.new);
        Preview { settings, files: vec!["/etc/hostname".to_owned()], ..Preview::default() }
    }

    fn answer(&mut self, request: Request) -> Response {
        let name = serde_json::to_value(&request).unwrap()["request"].as_str().unwrap().to_owned();
        self.asked.push(name.clone());
        if let Some((_, detail)) = self.refuse.filter(|(refused, _)| *refused == name) {
            let (key, detail) = detail.split_once(' ').unwrap();
            return Response::Refused { key: key.to_owned(), detail: detail.to_owned() };
        }
        match request {
            Request::Status => Response::Status(self.status.clone()),
            Request::Claim { code, .. } => Response::Claim(self.claim(&code)),
            Request::Look { place, key } => {
                self.looks.push((place.clone(), key.clone()));
                Response::Done
            }
            Request::Looked => Response::Looked(self.looked.clone()),
            Request::Boxes => Response::Boxes { boxes: self.boxes.clone() },
            Request::Disks => Response::Disks { disks: self.disks.clone() },
            Request::Answers => Response::Answers(Box::new(self.answers.clone())),
            Request::Heard { .. } => Response::Heard(self.heard.clone()),
            Request::SetWifi { ssid, passphrase, country } => {
                let key = passphrase.as_ref().map(|_| String::new());
                self.passwords.extend(passphrase);
                self.answers.wifi = Some(Wifi { country: Some(country), ssid, key });
                Response::Done
            }
            Request::Notices => Response::Notices(Box::new(self.notices.clone())),
            Request::Progress => Response::Progress(self.progress.clone()),
            Request::SaveAnswers { answers } => {
                let password = self.answers.operator_password.take();
                let wifi = self.answers.wifi.take();
                self.answers = Answers { operator_password: password, wifi, ..*answers };
                Response::Done
            }
            Request::SetPassword { password } => {
                self.passwords.push(password);
                self.answers.operator_password = Some(String::new());
                Response::Done
            }
            Request::Install => {
                self.progress = running();
                Response::Done
            }
            Request::Reboot => Response::Done,
            Request::Offers => Response::Offers(offers(self.features.clone())),
            Request::Profile(wanted) => Response::Profile { file: profile(&wanted) },
            Request::Health => Response::Health(self.health.clone()),
            Request::Certificates => Response::Certificates(Box::new(self.certificates.clone())),
            Request::OrderCertificate => {
                self.certificates.running = true;
                Response::Done
            }
            Request::SetDnsAccount { provider, values } => {
                let variables = values.keys().cloned().collect();
                self.certificates.account = Some(certificates::Account { provider, variables });
                self.passwords.extend(values.into_values());
                Response::Done
            }
            Request::Authority => Response::Authority {
                pem: std::fs::read_to_string(self.tls.path().join(tls::AUTHORITY)).unwrap(),
            },
            Request::Settings => Response::Settings(Box::new(self.settings.clone())),
            Request::PreviewSettings { settings } => Response::Preview(Box::new(self.preview(&settings))),
            Request::ChangeSettings { settings, seen } if seen == self.settings.version => {
                self.settings.settings = *settings;
                Response::Done
            }
            Request::ChangeSettings { .. } => {
                Response::Refused { key: "settings-outdated".to_owned(), detail: "changed".to_owned() }
            }
            Request::LastChange => Response::LastChange(self.last.clone()),
            Request::Network => Response::Network(Box::new(self.facts.clone())),
            Request::Updates => Response::Updates(self.updates.clone()),
            Request::Sites => Response::Sites(Box::new(sites())),
            Request::Trial => Response::Trial(self.trial.clone()),
            Request::KeepNetwork | Request::RevertNetwork if self.trial.pending.is_none() => {
                Response::Refused { key: "trial-over".to_owned(), detail: "over".to_owned() }
            }
            Request::KeepNetwork => {
                self.trial.pending = None;
                Response::Done
            }
            Request::RevertNetwork => {
                self.trial.pending.iter_mut().for_each(|pending| pending.going_back = true);
                Response::Done
            }
            Request::TrialSeen => {
                self.trial.lapsed = None;
                Response::Done
            }
            Request::Comparison { alternative } if alternative == "web-server" => {
                Response::Comparison(Box::new(self.comparison.clone()))
            }
            Request::Comparison { .. } => Response::Comparison(Box::default()),
            Request::Measure => {
                self.comparison.standing.running = true;
                Response::Done
            }
            Request::MailPassword => Response::MailPassword { kept: !self.passwords.is_empty() },
            Request::SetMailPassword { password } => {
                self.passwords.clear();
                self.passwords.extend(Some(password).filter(|password| !password.is_empty()));
                Response::Done
            }
            Request::SendMail => Response::Done,
            Request::Report { service, report }
                if (service.as_str(), report.as_str()) == ("chat", "rooms") =>
            {
                Response::Report { shown: Some(Box::new(self.report.clone())) }
            }
            Request::Report { .. } => Response::Report { shown: None },
            Request::ActOnReport(chosen) => {
                self.report_acts.push(chosen);
                Response::Done
            }
            Request::SendReport(sent) => {
                self.passwords.extend(sent.values.into_values());
                Response::Done
            }
            Request::Websites => Response::Websites(Box::new(self.websites.clone())),
            Request::OrderWebsite { order } => {
                self.website_orders.push(*order);
                self.websites.last.running = true;
                Response::Done
            }
            Request::OpenArchive { .. } | Request::ForgetArchive { .. } => {
                Response::Refused { key: "archive-missing".to_owned(), detail: "gone".to_owned() }
            }
        }
    }

    fn claim(&mut self, code: &str) -> ClaimVerdict {
        if self.tries_left == 0 {
            return ClaimVerdict::Limited { retry_after_seconds: 42 };
        }
        self.tries_left -= 1;
        if code == super::CODE { ClaimVerdict::Granted } else { ClaimVerdict::Wrong }
    }
}

/// An empty disk, one that holds something, and one that is too small.
fn disks() -> Vec<Disk> {
    let volume = |(kind, label): &(&str, &str)| Content::Volume {
        name: "sdb1".to_owned(),
        kind: Some((*kind).to_owned()),
        label: Some(*label).filter(|label| !label.is_empty()).map(str::to_owned),
        uuid: Some("A1-B2".to_owned()),
        bytes: 120_000_000_000,
    };
    let disk = |name: &str, model: &str, serial: &str, bytes, contents: &[(&str, &str)]| Disk {
        name: name.to_owned(),
        model: model.to_owned(),
        serial: serial.to_owned(),
        bytes,
        contents: contents.iter().map(volume).collect(),
        holds_mazet: false,
        too_small: bytes < 8_000_000_000,
        medium: false,
    };
    vec![
        disk("sda", "Samsung SSD 870 EVO 500GB", "S62ANJ0R", 500_107_862_016, &[]),
        disk("sdb", "WDC WD10EZEX", "WD-WCC6Y", 1_000_204_886_016, &[("ntfs", "Photos"), ("ext4", "")]),
        disk("sdc", "Generic Flash", "", 4_010_000_000, &[("vfat", "")]),
    ]
}

/// A real authority.
fn authority() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    tls::ensure(folder.path(), "mazet", None).unwrap();
    folder
}

/// A box with one service.
fn offers(features: Vec<Feature>) -> Offers {
    let text = |fr: &str, en: &str| Text { fr: fr.to_owned(), en: en.to_owned() };
    let wiki = Offer {
        name: "wiki".to_owned(),
        title: text("Carnet", "Notebook"),
        summary: text("Des pages que tous écrivent.", "Pages that all write."),
        path: Some("/wiki/".to_owned()),
        access: "member".to_owned(),
        clients: vec![Client {
            title: text("Un lecteur", "A reader"),
            text: text("Copiez l’adresse.", "Copy the address."),
            steps: vec![text("Donnez {email}.", "Give {email}.")],
            location: "/wiki/feed".to_owned(),
            profile: Some(Profile {
                template: "reader.hbs".to_owned(),
                file: "wiki.mobileconfig".to_owned(),
                media: "application/x-apple-aspen-config".to_owned(),
            }),
        }],
    };
    let (address, home) = ("https://mazet.local".to_owned(), "mazet.local".to_owned());
    Offers { address, home, services: vec![wiki], features }
}

/// What the reader of that service sets itself up with.
fn profile(wanted: &Wanted) -> Option<Made> {
    let content = format!("{} {}", wanted.login, wanted.email.as_deref().unwrap_or("-"));
    let media = "application/x-apple-aspen-config".to_owned();
    let known = wanted.service == "wiki" && wanted.file == "wiki.mobileconfig";
    known.then(|| Made { media, access: "member".to_owned(), content })
}

/// All answers of a box that could be installed.
pub fn complete() -> Answers {
    Answers {
        language: Some(Language::Fr),
        purpose: Some(Purpose::New),
        kept: None,
        backup: None,
        disks: Some(vec![crate::protocol::ChosenDisk {
            name: "sda".to_owned(),
            serial: "S62ANJ0R".to_owned(),
            typed_serial: String::new(),
        }]),
        organisation: Some("Les Amis du Mazet".to_owned()),
        box_name: Some("lavande".to_owned()),
        timezone: Some("Europe/Paris".to_owned()),
        operator_name: Some("Marie Sabatier".to_owned()),
        operator_login: Some("marie".to_owned()),
        wifi: Some(Wifi::default()),
        operator_password: Some(String::new()),
    }
}

/// An installation in its third stage.
pub fn running() -> Progress {
    let stage = |(name, percent): (&str, u8)| Stage { name: name.to_owned(), percent, done: percent == 100 };
    let stages =
        [("partition", 100), ("format", 100), ("unpack", 40), ("boot", 0), ("settings", 0), ("check", 0)];
    Progress { stages: stages.map(stage).to_vec(), finished: false, error: None }
}

async fn serve(listener: UnixListener, state: Arc<Mutex<State>>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(talk(stream, Arc::clone(&state)));
    }
}

async fn talk(stream: UnixStream, state: Arc<Mutex<State>>) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let request = serde_json::from_str(&line).unwrap();
        let held = state.lock().unwrap().held.take();
        if let Some((came, go)) = held {
            came.send(()).unwrap();
            // Dropped without a word: this answer never comes.
            if go.await.is_err() {
                std::future::pending::<()>().await;
            }
        }
        let file = match &request {
            Request::OpenArchive { id: 1, archive: 1_790_000_000 } => Some(archive()),
            _ => None,
        };
        let answer = state.lock().unwrap().answer(request);
        let answer = if file.is_some() { opened() } else { answer };
        let mut answer = serde_json::to_string(&answer).unwrap();
        answer.push('\n');
        if let Some(file) = file {
            crate::broker::beside(write.as_ref(), answer.as_bytes(), &file).unwrap();
            continue;
        }
        if write.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

fn current() -> Current {
    let text = |fr: &str, en: &str| Text { fr: fr.to_owned(), en: en.to_owned() };
    let chat = Service {
        name: "chat".to_owned(),
        title: text("Discussion", "Chat"),
        summary: text("Un salon de discussion.", "A chat room."),
        optional: true,
        alternative: None,
        on: true,
        options: vec![super::reports::door()],
        reports: vec![super::reports::page()],
    };
    let base = Service {
        name: "base".to_owned(),
        title: text("Socle", "Base system"),
        summary: text("Réseau, heure.", "Network, time."),
        optional: false,
        alternative: None,
        on: true,
        options: Vec::new(),
        reports: Vec::new(),
    };
    let server = |name: &str, on: bool| Service {
        name: name.to_owned(),
        title: text(name, name),
        summary: text("Un serveur web.", "A web server."),
        optional: false,
        alternative: Some("web-server".to_owned()),
        on,
        options: Vec::new(),
        reports: Vec::new(),
    };
    Current {
        settings: Settings::live(),
        version: "1".repeat(64),
        services: vec![base, chat, server("one", true), server("two", false)],
    }
}

/// Two web servers, never measured.
fn comparison() -> Comparison {
    let text = |fr: &str, en: &str| Text { fr: fr.to_owned(), en: en.to_owned() };
    let server = |name: &str, on, percent: &str| Candidate {
        name: name.to_owned(),
        title: text(name, name),
        summary: text("Un serveur web.", "A web server."),
        on,
        usage: Some(Usage {
            percent: percent.to_owned(),
            of: text("des sites actifs", "of active sites"),
            source: "Somebody, Survey".to_owned(),
            date: "2017-09".to_owned(),
            url: "https://example.org/survey".to_owned(),
        }),
        measurable: true,
    };
    Comparison {
        candidates: vec![server("one", true, "20.7"), server("two", false, "44.9")],
        ..Comparison::default()
    }
}

/// A card with a cable, and a wireless one without a network.
fn facts() -> Facts {
    let one = |address: &str, prefix| Address { address: address.parse().unwrap(), prefix, given: true };
    let card = |name: &str, wireless, addresses| Card {
        name: name.to_owned(),
        wireless,
        linked: !wireless,
        addresses,
    };
    let addresses = vec![one("192.168.1.20", 24), one("2001:db8::5", 64)];
    Facts {
        cards: vec![card("enp1s0", false, addresses), card("wlan0", true, Vec::new())],
        gateways: vec!["192.168.1.1".parse().unwrap()],
        dns: vec!["192.168.1.1".parse().unwrap()],
    }
}

/// What is in an archive of a web site: more than goes through a pipe at a time.
pub static ARCHIVE: [u8; 300_000] = [42; 300_000];

fn archive() -> std::fs::File {
    use std::io::{Seek as _, Write as _};
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&ARCHIVE).unwrap();
    file.rewind().unwrap();
    file
}

fn opened() -> Response {
    Response::Archive { name: "amis".to_owned(), bytes: ARCHIVE.len() as u64 }
}

/// Two kinds of web sites, and a site of the first organisation.
fn websites() -> websites::State {
    let text = |fr: &str, en: &str| Text { fr: fr.to_owned(), en: en.to_owned() };
    let kind = |name: &str, publishes| Kind {
        name: name.to_owned(),
        title: text(name, name),
        summary: text("Un genre de site.", "A kind of site."),
        publishes,
        accounts: !publishes,
    };
    let site = Website {
        id: 1,
        name: "amis".to_owned(),
        kind: "blog".to_owned(),
        title: text("Blog", "Blog"),
        organisation: 1,
        domain: None,
        folder: None,
        address: "https://mazet.local:20001/".to_owned(),
        path: "/site/amis/".to_owned(),
        entrance: Some("https://mazet.local:20001/ecrire/".to_owned()),
        archives: vec![websites::archive::Archive { at: 1_790_000_000, bytes: 1_234_567 }],
    };
    let last = LastAct::default();
    websites::State { kinds: vec![kind("pages", true), kind("blog", false)], sites: vec![site], last }
}

/// The box's own pages, a service beside them, and a site of its own name.
fn sites() -> Sites {
    let site = |names: &[&str], location: &str, service: &str, access: &str| Site {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        location: location.to_owned(),
        service: Text { fr: service.to_owned(), en: service.to_owned() },
        access: access.to_owned(),
    };
    let sites = vec![
        site(&[], "/", "Base", "public"),
        site(&[], "/wiki/", "Wiki", "member"),
        site(&["amis.example.org"], "/", "Amis", "site-editor"),
    ];
    Sites { sites, certificate_days: Some(812) }
}
