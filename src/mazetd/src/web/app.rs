//! What every handler shares.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mazet_directory::Directory;
use mazet_directory::remembered::Remembered;

use super::broker::Broker;
use super::catalogue::Catalogue;
use super::failure::Failure;
use super::pages::Pages;
use super::session::Sessions;
use crate::protocol::Mode;

/// The server's state, shared by all requests.
pub struct App {
    /// The root half.
    pub broker: Broker,
    /// The templates.
    pub pages: Pages,
    /// Live or installed: which routes there are.
    pub mode: Mode,
    sessions: Mutex<Sessions>,
    directory: Option<Directory>,
    /// Passwords that came with requests to services.
    pub remembered: Remembered,
}

impl App {
    /// A server with no session yet; an installed box has a directory.
    ///
    /// # Errors
    /// A template or the catalogue does not parse: a fault of the program, found by its tests.
    pub fn new(broker: &Path, mode: Mode, directory: Option<Directory>) -> anyhow::Result<Arc<Self>> {
        let catalogue = Arc::new(Catalogue::load()?);
        Ok(Arc::new(Self {
            broker: Broker::new(broker),
            pages: Pages::load(catalogue)?,
            mode,
            sessions: Mutex::default(),
            directory,
            remembered: Remembered::new()?,
        }))
    }

    /// Who is who on the installed box.
    ///
    /// # Errors
    /// The live system has no directory.
    pub fn directory(&self) -> Result<&Directory, Failure> {
        self.directory.as_ref().ok_or_else(|| Failure::Directory("there is no directory here".to_owned()))
    }

    /// The claimed browsers of the live system. A panic elsewhere does not make them invalid: each change is one step.
    pub fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
