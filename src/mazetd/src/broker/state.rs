//! What each request does.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result};
use mazet_model::settings::Settings;
use mazet_model::wizard::Plan;

use super::answers::{Kept, Store};
use super::claim::{CODE_FILE, Claim};
use super::offers;
use super::order::{self, Refusal};
use super::sites;
use super::source;
use super::{password, profiles};
use crate::advance::Advance;
use crate::change::{self, Desk};
use crate::install::boot;
use crate::measure::desk;
use crate::protocol::{
    Answers, Disk, Heard, KnownBox, Mode, Notices, Progress, Purpose, Request, Response, Status, Wifi,
};
use crate::run::{Program, Runner};
use crate::{
    acme, boxes, certificates, clock, disks, health, install, log, mail, network, reports, system, tls,
    trial, updates, wifi,
};

/// Fewest characters of the operator's password; the web half asks for strength as well.
const PASSWORD_LENGTH: usize = 12;

/// What the broker knows.
#[derive(Debug)]
pub struct State {
    mode: Mode,
    runner: Runner,
    claim: Option<Mutex<Claim>>,
    advance: Advance,
    store: Store,
    kept: Mutex<Kept>,
    progress: Arc<Mutex<Progress>>,
}

/// Nothing here is left half-changed by a panic: a poisoned lock is as good.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// The state at start: in the live system with a claim code, the answers kept so far and those
    /// given in advance.
    ///
    /// # Errors
    /// When the claim code cannot be kept.
    pub fn new(mode: Mode, advance: Advance) -> Result<Self> {
        let live = mode == Mode::Live;
        let claim = match &advance.answers.machine.claim_code_hash {
            _ if !live => None,
            Some(hash) => Some(Mutex::new(Claim::given(hash.clone()))),
            None => Some(Mutex::new(Claim::at(Path::new(CODE_FILE))?)),
        };
        let store = Store::live();
        let mut kept = if live { store.load() } else { Kept::default() };
        kept.fill(&advance.answers);
        if live {
            // Chosen before a power cut, perhaps: `mazetd answers` knows only what was given in advance.
            wifi::configure(kept.answers.wifi.as_ref())?;
        }
        Ok(Self {
            mode,
            runner: Runner::default(),
            claim,
            advance,
            store,
            kept: Mutex::new(kept),
            progress: Arc::default(),
        })
    }

    /// A state without claim code that keeps its answers below `folder`.
    #[cfg(test)]
    pub fn for_tests(mode: Mode, folder: &Path) -> Self {
        let store = Store::below(folder);
        let kept = Mutex::new(store.load());
        let (runner, advance) = (Runner::default(), Advance::default());
        Self { mode, runner, claim: None, advance, store, kept, progress: Arc::default() }
    }

    /// Does what `request` asks, if it has a place in this system.
    pub fn answer(&self, request: Request) -> Response {
        if let Some(refusal) = self.out_of_place(&request) {
            return refusal.response();
        }
        let root = Path::new("/");
        let answer = match request {
            Request::Status => Ok(self.status()),
            Request::Claim { code, address } => Ok(self.claim(&code, address)),
            Request::Disks => self.disks(),
            Request::Look { place, key } => self.look(&place, &key),
            Request::Looked => source::looked(&self.runner).map(Response::Looked),
            Request::Boxes => self.boxes().map(|boxes| Response::Boxes { boxes }),
            Request::Answers => Ok(self.answers()),
            Request::SaveAnswers { answers } => self.save_answers(*answers),
            Request::SetPassword { password } => self.set_password(&password),
            Request::Install => self.install(),
            Request::Heard { listen } => self.heard(listen).map(Response::Heard),
            Request::SetWifi { ssid, passphrase, country } => self.set_wifi(ssid, passphrase, country),
            Request::Notices => Ok(self.notices()),
            Request::Progress => Ok(Response::Progress(lock(&self.progress).clone())),
            Request::Reboot => self.reboot(),
            Request::Health => health::stored(&self.runner).map(Response::Health),
            Request::Settings => change::current(root).map(|current| Response::Settings(Box::new(current))),
            Request::PreviewSettings { settings } => {
                change::preview(&Desk::running(), &settings, &self.runner)
                    .map(|preview| Response::Preview(Box::new(preview)))
            }
            Request::ChangeSettings { settings, seen } => self.change_settings(&settings, &seen),
            Request::LastChange => Ok(Response::LastChange(change::last(&Desk::running()))),
            Request::Network => network::stored(&self.runner).map(|facts| Response::Network(Box::new(facts))),
            Request::Updates => updates::standing(root, &self.runner).map(Response::Updates),
            Request::Sites => offers::sites(root).map(|sites| Response::Sites(Box::new(sites))),
            Request::Trial => trial::standing(root).map(Response::Trial),
            Request::KeepNetwork => network::stored(&self.runner)
                .and_then(|facts| of_trial(trial::keep(root, &facts, &self.runner))),
            Request::RevertNetwork => of_trial(trial::order_back(root, &self.runner)),
            Request::TrialSeen => trial::seen(root).map(|()| Response::Done),
            Request::Offers => offers::of(root).map(Response::Offers),
            Request::Profile(wanted) => profiles::made(root, &wanted).map(|file| Response::Profile { file }),
            Request::Comparison { alternative } => desk::comparison(root, &alternative, &self.runner)
                .map(|comparison| Response::Comparison(Box::new(comparison))),
            Request::Measure => desk::order(&self.runner).map(|()| Response::Done),
            Request::MailPassword => Ok(Response::MailPassword { kept: mail::has_password(root) }),
            Request::SetMailPassword { password } => self.set_mail_password(&password),
            Request::SendMail => mail::start(&self.runner).map(|()| Response::Done),
            Request::Authority => authority(),
            Request::Certificates => {
                certificates::state(root, &self.runner).map(|state| Response::Certificates(Box::new(state)))
            }
            Request::OrderCertificate => acme::start(&self.runner).map(|()| Response::Done),
            Request::SetDnsAccount { provider, values } => set_dns_account(root, &provider, &values),
            Request::Report { service, report } => reports::show(root, &service, &report, &self.runner)
                .map(|shown| Response::Report { shown: shown.map(Box::new) }),
            Request::ActOnReport(chosen) => of_report(reports::act(root, &chosen, &self.runner)),
            Request::SendReport(sent) => of_report(reports::keep(root, &sent)),
            Request::Websites => sites::state(root),
            Request::OrderWebsite { order } => sites::order(&order, &self.runner),
            Request::OpenArchive { id, archive } => sites::open(root, id, archive).map(|(answer, _)| answer),
            Request::ForgetArchive { id, archive } => sites::forget(root, id, archive),
        };
        answer.unwrap_or_else(|error| {
            eprintln!("{error:#}");
            Refusal::new("failed", format!("{error:#}")).response()
        })
    }

    /// The answer to a request, and the open file that goes with it, if any does.
    pub fn answer_with_file(&self, request: Request) -> (Response, Option<File>) {
        let Request::OpenArchive { id, archive } = request else { return (self.answer(request), None) };
        if let Some(refusal) = self.out_of_place(&request) {
            return (refusal.response(), None);
        }
        match sites::open(Path::new("/"), id, archive) {
            Ok((answer, file)) => (answer, file),
            Err(error) => (Refusal::new("failed", format!("{error:#}")).response(), None),
        }
    }

    /// Why `request` has no place in this system, if it has none.
    fn out_of_place(&self, request: &Request) -> Option<Refusal> {
        let anywhere = matches!(
            request,
            Request::Status
                | Request::Health
                | Request::Offers
                | Request::Heard { .. }
                | Request::SetWifi { .. }
        );
        let installed = matches!(
            request,
            Request::Settings
                | Request::PreviewSettings { .. }
                | Request::ChangeSettings { .. }
                | Request::LastChange
                | Request::Network
                | Request::Updates
                | Request::Sites
                | Request::Trial
                | Request::KeepNetwork
                | Request::RevertNetwork
                | Request::TrialSeen
                | Request::Profile(_)
                | Request::Comparison { .. }
                | Request::Measure
                | Request::MailPassword
                | Request::SetMailPassword { .. }
                | Request::SendMail
                | Request::Authority
                | Request::Certificates
                | Request::OrderCertificate
                | Request::SetDnsAccount { .. }
                | Request::Report { .. }
                | Request::ActOnReport(_)
                | Request::SendReport(_)
                | Request::Websites
                | Request::OrderWebsite { .. }
                | Request::OpenArchive { .. }
                | Request::ForgetArchive { .. }
        );
        match self.mode {
            _ if anywhere => None,
            Mode::Installed if !installed => {
                Some(Refusal::new("installed", "the box is installed: the wizard is over"))
            }
            Mode::Live if installed => Some(Refusal::new("live", "the box is not installed yet")),
            _ => None,
        }
    }

    fn change_settings(&self, settings: &Settings, seen: &str) -> Result<Response> {
        match change::order(&Desk::running(), settings, seen, &self.runner) {
            Ok(()) => Ok(Response::Done),
            Err(error) if error.is::<change::Outdated>() => {
                Ok(Refusal::new("settings-outdated", error.to_string()).response())
            }
            Err(error) if error.is::<change::Busy>() => {
                Ok(Refusal::new("settings-busy", error.to_string()).response())
            }
            Err(error) => Err(error),
        }
    }

    fn set_mail_password(&self, password: &str) -> Result<Response> {
        if let Err(error) = mail::check_password(password) {
            return Ok(Refusal::new("mail-password", error.to_string()).response());
        }
        mail::keep_password(Path::new("/"), password)?;
        // What waits for it is due again by and by; what is due is sent now.
        mail::start(&self.runner)?;
        Ok(Response::Done)
    }

    fn status(&self) -> Response {
        let root = Path::new("/");
        let settings = match self.mode {
            Mode::Live => self.advance.live_settings(),
            Mode::Installed => system::settings(root).unwrap_or_else(|error| {
                eprintln!("{error:#}");
                Settings::live()
            }),
        };
        let live = self.mode == Mode::Live;
        Response::Status(Status {
            mode: self.mode,
            name: settings.machine.name,
            organisation: if live { String::new() } else { settings.organisation.name },
            language: settings.machine.language,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sends_mail: !live && settings.mail.relay.is_some(),
            keeps_medium: root.join(system::KEEPS_MEDIUM).exists(),
        })
    }

    fn claim(&self, code: &str, address: IpAddr) -> Response {
        match &self.claim {
            Some(claim) => Response::Claim(lock(claim).judge(code, address, Instant::now())),
            None => Refusal::new("installed", "there is no claim code").response(),
        }
    }

    fn disks(&self) -> Result<Response> {
        Ok(Response::Disks { disks: self.scan()? })
    }

    /// The boxes on its disks; none while one of them is worked on.
    fn boxes(&self) -> Result<Vec<KnownBox>> {
        if self.installs() {
            return Ok(Vec::new());
        }
        let image = system::image(Path::new("/"))?;
        boxes::scan(boot::of(&image.hardware)?, &self.runner)
    }

    fn look(&self, place: &serde_json::Value, key: &str) -> Result<Response> {
        if self.installs() {
            return Ok(Refusal::new("install-running", "the installation has begun").response());
        }
        if !source::is_plain(place, key) {
            return Ok(Refusal::new("answers", "no place of backups is described like that").response());
        }
        source::look(place, key, &self.runner)?;
        Ok(Response::Done)
    }

    fn heard(&self, listen: bool) -> Result<Heard> {
        if listen { wifi::listen(&self.runner) } else { Ok(wifi::last_heard()) }
    }

    fn set_wifi(
        &self,
        ssid: Option<String>,
        passphrase: Option<String>,
        country: String,
    ) -> Result<Response> {
        if self.mode == Mode::Installed {
            let root = Path::new("/");
            let current = wifi::of_settings(root, &system::settings(root)?);
            return match order::wifi(current.as_ref(), ssid, passphrase, country) {
                Ok(wifi) => change::wish_wifi(&Desk::running(), &wifi).map(|()| Response::Done),
                Err(refusal) => Ok(refusal.response()),
            };
        }
        let mut kept = lock(&self.kept);
        let wifi = match order::wifi(kept.answers.wifi.as_ref(), ssid, passphrase, country) {
            Ok(wifi) => wifi,
            Err(refusal) => return Ok(refusal.response()),
        };
        wifi::configure(Some(&wifi))?;
        kept.answers.wifi = Some(wifi);
        self.store.save(&kept)?;
        wifi::reconnect(&self.runner)?;
        Ok(Response::Done)
    }

    fn notices(&self) -> Response {
        Response::Notices(Box::new(Notices {
            faults: self.advance.faults.clone(),
            clock_unset: clock::could_not_be_set(),
            wireless: !wifi::devices().is_empty(),
        }))
    }

    /// The disks that this hardware can install to.
    fn scan(&self) -> Result<Vec<Disk>> {
        let image = system::image(Path::new("/"))?;
        disks::scan(&self.runner, boot::of(&image.hardware)?.shares_medium())
    }

    fn answers(&self) -> Response {
        let mut answers = lock(&self.kept).answers.clone();
        answers.operator_password = answers.operator_password.map(|_| String::new());
        if answers.wifi.is_none() && wifi::devices().is_empty() {
            // Nothing to ask: there is only the cable.
            answers.wifi = Some(Wifi::default());
        }
        if let Some(wifi) = &mut answers.wifi {
            wifi.key = wifi.key.take().map(|_| String::new());
        }
        Response::Answers(Box::new(answers))
    }

    fn save_answers(&self, answers: Answers) -> Result<Response> {
        if let Err(refusal) = order::check_answers(&answers) {
            return Ok(refusal.response());
        }
        if self.installs() {
            return Ok(Refusal::new("install-running", "the installation has begun").response());
        }
        let mut kept = lock(&self.kept);
        let (operator_password, wifi) = (kept.answers.operator_password.take(), kept.answers.wifi.take());
        kept.answers = Answers { operator_password, wifi, ..answers };
        self.store.save(&kept)?;
        Ok(Response::Done)
    }

    fn set_password(&self, password: &str) -> Result<Response> {
        if password.chars().count() < PASSWORD_LENGTH {
            let detail = format!("the password has fewer than {PASSWORD_LENGTH} characters");
            return Ok(Refusal::new("password-short", detail).response());
        }
        if self.installs() {
            return Ok(Refusal::new("install-running", "the installation has begun").response());
        }
        let (hash, unix) = (password::hash(password)?, password::unix_hash(password)?);
        let mut kept = lock(&self.kept);
        kept.answers.operator_password = Some(hash);
        kept.unix_password = Some(unix);
        self.store.save(&kept)?;
        Ok(Response::Done)
    }

    /// Is an installation running or over?
    fn installs(&self) -> bool {
        let progress = lock(&self.progress);
        progress.finished || (!progress.stages.is_empty() && progress.error.is_none())
    }

    /// Starts the installation, once: asked again while it runs or after it, nothing happens.
    fn install(&self) -> Result<Response> {
        if self.installs() {
            return Ok(Response::Done);
        }
        let services = system::services(Path::new("/"))?;
        let disks = self.scan()?;
        let keeps = lock(&self.kept).answers.purpose == Some(Purpose::Keep);
        let boxes = if keeps { self.boxes()? } else { Vec::new() };
        // Two orders at a time queue here: the second one finds the first one's progress.
        let mut kept = lock(&self.kept);
        if self.installs() {
            return Ok(Response::Done);
        }
        let plan = match kept.answers.purpose {
            Some(Purpose::Keep) => order::keep(&kept, &boxes).map(Plan::Keep),
            Some(Purpose::Restore) => order::restore(&kept, &disks).map(Plan::Restore),
            _ => order::order(&kept, &self.advance.answers, &disks, &services)
                .map(|plan| Plan::New(Box::new(plan))),
        };
        let plan = match plan {
            Ok(plan) => plan,
            Err(refusal) => return Ok(refusal.response()),
        };
        if !matches!(plan, Plan::Keep(_)) {
            let chosen = disks.iter().filter(|disk| plan.disks().contains(&disk.name));
            kept.begun = chosen.map(|disk| order::identity(disk).to_owned()).collect();
        }
        self.store.save(&kept)?;
        *lock(&self.progress) = install::first_progress();
        self.start(plan);
        Ok(Response::Done)
    }

    fn start(&self, plan: Plan) {
        let (progress, store, runner) = (Arc::clone(&self.progress), self.store.clone(), self.runner.clone());
        let advance = self.advance.clone();
        thread::spawn(move || {
            let reporter = install::Reporter::new(Arc::clone(&progress));
            match install::install(&plan, &runner, &reporter) {
                Ok(()) => {
                    if let Err(error) = store.forget() {
                        eprintln!("forgetting the wizard's answers: {error:#}");
                    }
                    if advance.answers.log.write {
                        write_log(&advance, "asked for in mazet.toml; the installation is finished", &runner);
                    }
                    lock(&progress).finished = true;
                }
                Err(error) => {
                    eprintln!("the installation failed: {error:#}");
                    write_log(&advance, &format!("the installation failed: {error:#}"), &runner);
                    lock(&progress).error = Some(format!("{error:#}"));
                }
            }
        });
    }

    /// Restarts after a finished installation; a half-made one must not be cut off by a click.
    fn reboot(&self) -> Result<Response> {
        if !lock(&self.progress).finished {
            return Ok(Refusal::new("install-not-finished", "the installation is not finished").response());
        }
        self.runner.run(Program::Systemctl, &["--no-block", "reboot"])?;
        Ok(Response::Done)
    }
}

/// What became of something asked of a service's page.
fn of_report(done: Result<()>) -> Result<Response> {
    match done {
        Ok(()) => Ok(Response::Done),
        Err(error) => match error.downcast::<reports::Wrong>() {
            Ok(wrong) => Ok(Refusal::new(wrong.key(), wrong.to_string()).response()),
            Err(error) => Ok(Refusal::new("report-failed", format!("{error:#}")).response()),
        },
    }
}

/// The answer to what becomes of a trial.
fn of_trial(outcome: Result<()>) -> Result<Response> {
    let Err(error) = outcome else { return Ok(Response::Done) };
    let told = error.to_string();
    let refusal = if error.is::<change::Busy>() {
        Refusal::new("settings-busy", told)
    } else if error.is::<trial::Early>() {
        Refusal::new("trial-early", told)
    } else if error.is::<trial::Over>() {
        Refusal::new("trial-over", told)
    } else {
        return Err(error);
    };
    Ok(refusal.response())
}

fn authority() -> Result<Response> {
    let path = Path::new(tls::FOLDER).join(tls::AUTHORITY);
    let pem = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    Ok(Response::Authority { pem })
}

/// What is refused names a variable, never its value.
fn set_dns_account(root: &Path, provider: &str, values: &BTreeMap<String, String>) -> Result<Response> {
    let services = system::services(root)?;
    let mut providers = services.iter().flat_map(|manifest| &manifest.dns_providers);
    let Some(provider) = providers.find(|one| one.name == provider) else {
        return Ok(Refusal::new("dns-account", "there is no such DNS provider").response());
    };
    Ok(match acme::secrets::keep(root, provider, values) {
        Ok(()) => Response::Done,
        Err(error) => Refusal::new("dns-account", format!("{error:#}")).response(),
    })
}

/// A log that cannot be written must not hide what it was to tell.
fn write_log(advance: &Advance, reason: &str, runner: &Runner) {
    if let Err(error) = log::write(advance, reason, runner) {
        eprintln!("writing the log to the medium: {error:#}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(state: &State) -> Answers {
        match state.answer(Request::Answers) {
            Response::Answers(answers) => *answers,
            other => panic!("{other:?}"),
        }
    }

    fn refused(response: Response) -> String {
        match response {
            Response::Refused { key, .. } => key,
            other => panic!("{other:?}"),
        }
    }

    fn save(state: &State, answers: Answers) -> Response {
        state.answer(Request::SaveAnswers { answers: Box::new(answers) })
    }

    #[test]
    fn the_passwords_hash_is_kept_never_sent_and_never_taken_from_the_web_half() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let state = State::for_tests(Mode::Live, folder.path());
        let password = "correct horse battery".to_owned();
        assert!(matches!(state.answer(Request::SetPassword { password }), Response::Done));
        let forged = Answers {
            organisation: Some("Les Amis".to_owned()),
            operator_password: Some("$argon2id$forged".to_owned()),
            ..Answers::default()
        };
        assert!(matches!(save(&state, forged), Response::Done));
        assert_eq!(answers(&state).operator_password.as_deref(), Some(""));
        let kept = Store::below(folder.path()).load().answers;
        let hash = kept.operator_password.expect("kept");
        assert!(hash.starts_with("$argon2id$v=19$") && !hash.contains("forged"), "{hash}");
        assert_eq!(kept.organisation.as_deref(), Some("Les Amis"));
        let everything = std::fs::read_to_string(folder.path().join("wizard.json")).expect("kept");
        assert!(!everything.contains("correct horse"));
    }

    #[test]
    fn answers_are_there_again_after_a_restart_of_the_broker() {
        let folder = tempfile::tempdir().expect("temporary folder");
        // No wireless device: the broker answers for it.
        let wifi = Some(Wifi::default());
        let given = Answers { box_name: Some("garrigue".to_owned()), wifi, ..Answers::default() };
        save(&State::for_tests(Mode::Live, folder.path()), given.clone());
        assert_eq!(answers(&State::for_tests(Mode::Live, folder.path())), given);
    }

    #[test]
    fn while_a_box_is_installed_to_disk_answers_stand_and_nothing_restarts() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let state = State::for_tests(Mode::Live, folder.path());
        assert_eq!(refused(state.answer(Request::Reboot)), "install-not-finished");
        *lock(&state.progress) = install::first_progress();
        assert_eq!(refused(save(&state, Answers::default())), "install-running");
        assert_eq!(refused(state.answer(Request::Reboot)), "install-not-finished");
        assert!(matches!(state.answer(Request::Install), Response::Done));
    }

    #[test]
    fn an_installed_box_has_no_wizard() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let state = State::for_tests(Mode::Installed, folder.path());
        for request in [Request::Answers, Request::Disks, Request::Install, Request::Reboot] {
            assert_eq!(refused(state.answer(request)), "installed");
        }
        let password = "correct horse battery".to_owned();
        assert_eq!(refused(state.answer(Request::SetPassword { password })), "installed");
    }

    #[test]
    fn a_short_password_is_refused() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let state = State::for_tests(Mode::Live, folder.path());
        let password = "123456789".to_owned();
        assert_eq!(refused(state.answer(Request::SetPassword { password })), "password-short");
    }
}
