//! What every handler shares.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::broker::Broker;
use super::catalogue::Catalogue;
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
}

impl App {
    /// A server with no session yet.
    ///
    /// # Errors
    /// A template or the catalogue does not parse: a fault of the program, found by its tests.
    pub fn new(broker: &Path, mode: Mode) -> anyhow::Result<Arc<Self>> {
        let catalogue = Arc::new(Catalogue::load()?);
        Ok(Arc::new(Self {
            broker: Broker::new(broker),
            pages: Pages::load(catalogue)?,
            mode,
            sessions: Mutex::default(),
        }))
    }

    /// The sessions. A panic elsewhere does not make them invalid: each change is one step.
    pub fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
