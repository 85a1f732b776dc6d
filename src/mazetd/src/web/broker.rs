//! Asking the root half, one question a connection.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mazet_model::manifest::Feature;
use mazet_model::setting_fault::SettingFault;
use mazet_model::settings::Settings;
use thiserror::Error;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::sync::Semaphore;

use crate::change::{Current, Last, Preview};
use crate::health::Report;
use crate::measure::desk::Comparison;
use crate::network::Facts;
use crate::protocol::{
    Answers, Disk, Heard, KnownBox, Looked, Made, Notices, Offers, Progress, Request, Response, Sites,
    Status, Wanted,
};
use crate::reports::Shown;
use crate::trial::Standing;
use crate::updates::Updates;
use crate::{certificates, websites};

use super::handed;

/// Longest answer that is read: far above a machine with dozens of disks.
const LONGEST: u64 = 1024 * 1024;
/// Argon2id on an old PC takes a second or two, looking at slow disks a few, and working out what a change of the
/// settings would do much longer where the machine is busy.
const PATIENCE: Duration = Duration::from_secs(45);

/// Questions under way at a time: fewer than the connections that the broker takes. The others wait
/// here, within [`PATIENCE`].
const AT_A_TIME: usize = 16;

/// Why the broker gave no usable answer.
#[derive(Debug, Error)]
pub enum BrokerError {
    /// The socket failed.
    #[error("talking to the broker at {path}: {cause}")]
    Socket {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// It did not answer in time.
    #[error("the broker did not answer {request} within {} s", PATIENCE.as_secs())]
    Late {
        /// The request's name.
        request: String,
    },
    /// It answered something else.
    #[error("the broker answered {request} with something unexpected: {answer}")]
    Unexpected {
        /// The request's name.
        request: String,
        /// What came, or why it could not be read.
        answer: String,
    },
    /// What was given cannot be.
    #[error("the broker cannot take what was given: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Faulty(Vec<SettingFault>),
    /// It refused.
    #[error("the broker refused ({key}): {detail}")]
    Refused {
        /// Catalogue key below `refused.`.
        key: String,
        /// What failed, why.
        detail: String,
    },
}

/// The broker's address.
pub struct Broker {
    path: PathBuf,
    places: Semaphore,
}

impl Broker {
    /// A broker that listens at `path`.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), places: Semaphore::new(AT_A_TIME) }
    }

    /// Ask, and wait for the answer. A refusal is an error.
    ///
    /// # Errors
    /// See [`BrokerError`].
    pub async fn ask(&self, request: &Request) -> Result<Response, BrokerError> {
        let late = |_| BrokerError::Late { request: name(request) };
        let answer = tokio::time::timeout(PATIENCE, self.exchange(request)).await.map_err(late)??;
        match answer {
            Response::Refused { key, detail } => Err(BrokerError::Refused { key, detail }),
            Response::Faulty { faults } => Err(BrokerError::Faulty(faults)),
            answer => Ok(answer),
        }
    }

    async fn exchange(&self, request: &Request) -> Result<Response, BrokerError> {
        let line = self
            .line(request)
            .await
            .map_err(|cause| BrokerError::Socket { path: self.path.clone(), cause })?;
        serde_json::from_str(&line)
            .map_err(|error| BrokerError::Unexpected { request: name(request), answer: error.to_string() })
    }

    async fn line(&self, request: &Request) -> std::io::Result<String> {
        let _place = self.places.acquire().await.map_err(std::io::Error::other)?;
        let mut stream = UnixStream::connect(&self.path).await?;
        let mut sent = serde_json::to_vec(request)?;
        sent.push(b'\n');
        stream.write_all(&sent).await?;
        let mut line = String::new();
        BufReader::new(stream.take(LONGEST)).read_line(&mut line).await?;
        Ok(line)
    }

    /// What machine this is.
    ///
    /// # Errors
    /// See [`BrokerError`].
    pub async fn status(&self) -> Result<Status, BrokerError> {
        match self.ask(&Request::Status).await? {
            Response::Status(status) => Ok(status),
            other => Err(unexpected(&Request::Status, &other)),
        }
    }

    /// The disks that could take the box.
    ///
    /// # Errors
    /// See [`BrokerError`].
    pub async fn disks(&self) -> Result<Vec<Disk>, BrokerError> {
        match self.ask(&Request::Disks).await? {
            Response::Disks { disks } => Ok(disks),
            other => Err(unexpected(&Request::Disks, &other)),
        }
    }

    /// The boxes on these disks.
    ///
    /// # Errors
    /// See [`BrokerError`].
    pub async fn boxes(&self) -> Result<Vec<KnownBox>, BrokerError> {
        match self.ask(&Request::Boxes).await? {
            Response::Boxes { boxes } => Ok(boxes),
            other => Err(unexpected(&Request::Boxes, &other)),
        }
    }

    /// What was found in a place of backups.
    ///
    /// # Errors
    /// See [`BrokerError`].
    pub async fn looked(&self) -> Result<Looked, BrokerError> {
        match self.ask(&Request::Looked).await? {
            Response::Looked(looked) => Ok(looked),
            other => Err(unexpected(&Request::Looked, &other)),
        }
    }

    /// The answers so far.
    ///
    /// # Errors
    /// See [`BrokerError`].
    pub async fn answers(&self) -> Result<Answers, BrokerError> {
        match self.ask(&Request::Answers).await? {
            Response::Answers(answers) => Ok(*answers),
            other => Err(unexpected(&Request::Answers, &other)),
        }
    }

    /// Which wireless networks there are; listening takes some seconds.
    ///
    /// # Errors
    /// See [`BrokerError`].
    pub async fn heard(&self, listen: bool) -> Result<Heard, BrokerError> {
        match self.ask(&Request::Heard { listen }).await? {
            Response::Heard(heard) => Ok(heard),
            other => Err(unexpected(&Request::Heard { listen }, &other)),
        }
    }

    /// What a visitor should know.
    ///
    /// # Errors
    /// See [`BrokerError`].
    pub async fn notices(&self) -> Result<Notices, BrokerError> {
        match self.ask(&Request::Notices).await? {
            Response::Notices(notices) => Ok(*notices),
            other => Err(unexpected(&Request::Notices, &other)),
        }
    }

    /// What the box offers to its members.
    ///
    /// # Errors
    /// See [`BrokerError`].
    pub async fn offers(&self) -> Result<Offers, BrokerError> {
        match self.ask(&Request::Offers).await? {
            Response::Offers(offers) => Ok(offers),
            other => Err(unexpected(&Request::Offers, &other)),
        }
    }

    /// Does a service that is on do that?
    ///
    /// # Errors
    /// See [`BrokerError`].
    pub async fn has(&self, feature: Feature) -> Result<bool, BrokerError> {
        Ok(self.offers().await?.features.contains(&feature))
    }

    /// The file with which a program of somebody sets itself up; none: no client has it.
    ///
    /// # Errors
    /// See [`BrokerError`].
    pub async fn profile(&self, wanted: Wanted) -> Result<Option<Made>, BrokerError> {
        let request = Request::Profile(wanted);
        match self.ask(&request).await? {
            Response::Profile { file } => Ok(file),
            other => Err(unexpected(&request, &other)),
        }
    }

    /// How the machine is.
    ///
    /// # Errors
    /// See [`BrokerError`].
    pub async fn health(&self) -> Result<Report, BrokerError> {
        match self.ask(&Request::Health).await? {
            Response::Health(report) => Ok(report),
            other => Err(unexpected(&Request::Health, &other)),
        }
    }

    /// The settings in force.
    ///
    /// # Errors
    /// See [`BrokerError`].
    pub async fn settings(&self) -> Result<Current, BrokerError> {
        match self.ask(&Request::Settings).await? {
            Response::Settings(current) => Ok(*current),
            other => Err(unexpected(&Request::Settings, &other)),
        }
    }

    /// What settings would change.
    ///
    /// # Errors
    /// See [`BrokerError`].
    pub async fn preview(&self, wished: Settings) -> Result<Preview, BrokerError> {
        let question = Request::PreviewSettings { settings: Box::new(wished) };
        match self.ask(&question).await? {
            Response::Preview(preview) => Ok(*preview),
            other => Err(unexpected(&question, &other)),
        }
    }

    /// How the last change of the settings stands.
    ///
    /// # Errors
    /// See [`BrokerError`].
    pub async fn last_change(&self) -> Result<Last, BrokerError> {
        match self.ask(&Request::LastChange).await? {
            Response::LastChange(last) => Ok(last),
            other => Err(unexpected(&Request::LastChange, &other)),
        }
    }

    /// How Debian's updates stand.
    ///
    /// # Errors
    /// See [`BrokerError`].
    pub async fn updates(&self) -> Result<Updates, BrokerError> {
        match self.ask(&Request::Updates).await? {
            Response::Updates(updates) => Ok(updates),
            other => Err(unexpected(&Request::Updates, &other)),
        }
    }

    /// What the box answers to.
    ///
    /// # Errors
    /// See [`BrokerError`].
    pub async fn sites(&self) -> Result<Sites, BrokerError> {
        match self.ask(&Request::Sites).await? {
            Response::Sites(sites) => Ok(*sites),
            other => Err(unexpected(&Request::Sites, &other)),
        }
    }

    /// The network as it is now.
    ///
    /// # Errors
    /// See [`BrokerError`].
    pub async fn network(&self) -> Result<Facts, BrokerError> {
        match self.ask(&Request::Network).await? {
            Response::Network(facts) => Ok(*facts),
            other => Err(unexpected(&Request::Network, &other)),
        }
    }

    /// Which network settings are on trial.
    ///
    /// # Errors
    /// See [`BrokerError`].
    pub async fn trial(&self) -> Result<Standing, BrokerError> {
        match self.ask(&Request::Trial).await? {
            Response::Trial(standing) => Ok(standing),
            other => Err(unexpected(&Request::Trial, &other)),
        }
    }

    /// Is a password kept for the mail relay?
    ///
    /// # Errors
    /// See [`BrokerError`].
    pub async fn has_mail_password(&self) -> Result<bool, BrokerError> {
        match self.ask(&Request::MailPassword).await? {
            Response::MailPassword { kept } => Ok(kept),
            other => Err(unexpected(&Request::MailPassword, &other)),
        }
    }

    /// How the box's certificates stand.
    ///
    /// # Errors
    /// See [`BrokerError`].
    pub async fn certificates(&self) -> Result<certificates::State, BrokerError> {
        match self.ask(&Request::Certificates).await? {
            Response::Certificates(state) => Ok(*state),
            other => Err(unexpected(&Request::Certificates, &other)),
        }
    }

    /// A page that a service gives to the operator; none: no service that is on has it.
    ///
    /// # Errors
    /// See [`BrokerError`].
    pub async fn report(&self, service: &str, report: &str) -> Result<Option<Shown>, BrokerError> {
        let request = Request::Report { service: service.to_owned(), report: report.to_owned() };
        match self.ask(&request).await? {
            Response::Report { shown } => Ok(shown.map(|shown| *shown)),
            other => Err(unexpected(&request, &other)),
        }
    }

    /// The associations' web sites.
    ///
    /// # Errors
    /// See [`BrokerError`].
    pub async fn websites(&self) -> Result<websites::State, BrokerError> {
        match self.ask(&Request::Websites).await? {
            Response::Websites(state) => Ok(*state),
            other => Err(unexpected(&Request::Websites, &other)),
        }
    }

    /// An open archive of a web site, with the site's name and its size in bytes.
    ///
    /// # Errors
    /// See [`BrokerError`].
    pub async fn archive(&self, id: u16, archive: i64) -> Result<(File, String, u64), BrokerError> {
        let request = Request::OpenArchive { id, archive };
        let path = self.path.clone();
        let failed = |cause| BrokerError::Socket { path: self.path.clone(), cause };
        let mut sent = serde_json::to_vec(&request).map_err(|error| failed(error.into()))?;
        sent.push(b'\n');
        let _place = self.places.acquire().await.map_err(|error| failed(std::io::Error::other(error)))?;
        let asked = tokio::task::spawn_blocking(move || handed::ask(&path, &sent, PATIENCE)).await;
        let (line, file) = asked.map_err(std::io::Error::other).and_then(|asked| asked).map_err(failed)?;
        let answer = serde_json::from_str(&line).map_err(|error| BrokerError::Unexpected {
            request: name(&request),
            answer: error.to_string(),
        })?;
        match (answer, file) {
            (Response::Archive { name, bytes }, Some(file)) => Ok((file, name, bytes)),
            (Response::Refused { key, detail }, _) => Err(BrokerError::Refused { key, detail }),
            (other, _) => Err(unexpected(&request, &other)),
        }
    }

    /// Services of which one must be chosen, and what is known to choose by.
    ///
    /// # Errors
    /// See [`BrokerError`].
    pub async fn comparison(&self, alternative: &str) -> Result<Comparison, BrokerError> {
        let question = Request::Comparison { alternative: alternative.to_owned() };
        match self.ask(&question).await? {
            Response::Comparison(comparison) => Ok(*comparison),
            other => Err(unexpected(&question, &other)),
        }
    }

    /// How far the installation is.
    ///
    /// # Errors
    /// See [`BrokerError`].
    pub async fn progress(&self) -> Result<Progress, BrokerError> {
        match self.ask(&Request::Progress).await? {
            Response::Progress(progress) => Ok(progress),
            other => Err(unexpected(&Request::Progress, &other)),
        }
    }

    /// Ask for something that is only done, or refused.
    ///
    /// # Errors
    /// See [`BrokerError`].
    pub async fn order(&self, request: &Request) -> Result<(), BrokerError> {
        match self.ask(request).await? {
            Response::Done => Ok(()),
            other => Err(unexpected(request, &other)),
        }
    }
}

/// An answer of the wrong kind. Only its kind is told: it may hold personal data.
pub fn unexpected(request: &Request, answer: &Response) -> BrokerError {
    let answer = serde_json::to_value(answer)
        .ok()
        .and_then(|value| value["response"].as_str().map(str::to_owned))
        .unwrap_or_default();
    BrokerError::Unexpected { request: name(request), answer }
}

/// The request's name, without what it carries (a password, a code).
fn name(request: &Request) -> String {
    serde_json::to_value(request)
        .ok()
        .and_then(|value| value["request"].as_str().map(str::to_owned))
        .unwrap_or_default()
}
