//! Connections to the box's PostgreSQL.

use std::path::{Path, PathBuf};
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, RecyclingMethod, Runtime};
use tokio_postgres::{Client, Config, NoTls};

use crate::Error;

pub use deadpool_postgres::{Object, Pool};

/// Folder of the server's socket, as Debian builds it.
pub const SOCKET: &str = "/run/postgresql";
/// For statements that each find a few rows by an index: planned once, and always by the index. A server that
/// planned one while the table was nearly empty would read all of it for as long as the connection lasts.
const LOOKUPS: &str = "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off";
/// Nobody waits longer for a connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where to connect, and as whom.
#[derive(Debug, Clone)]
pub struct Place {
    /// Folder of the server's socket.
    pub socket: PathBuf,
    /// Name of the database.
    pub database: String,
    /// Role. The server lets a system user in as the role of its own name, and root as any.
    pub role: String,
}

impl Place {
    /// `database` of the box's own server, as `role`.
    pub fn new(database: &str, role: &str) -> Self {
        Self { socket: SOCKET.into(), database: database.to_owned(), role: role.to_owned() }
    }

    fn configuration(&self) -> Config {
        let mut configuration = Config::new();
        configuration
            .host_path(&self.socket)
            .dbname(&self.database)
            .user(&self.role)
            .application_name("mazet")
            .connect_timeout(PATIENCE);
        configuration
    }

    /// One connection, whose talk with the server runs beside on this runtime.
    ///
    /// # Errors
    /// The server is not there, or lets the role not in.
    pub async fn connect(&self) -> Result<Client, Error> {
        let (client, talk) =
            self.configuration().connect(NoTls).await.map_err(|source| unreachable(&self.socket, source))?;
        // It ends with the client; what went wrong, the client's calls say.
        tokio::spawn(talk);
        Ok(client)
    }

    /// A pool of at most `size` connections, made when they are needed.
    ///
    /// # Errors
    /// Never in practice: the pool cannot be put together.
    pub fn pool(&self, size: usize) -> Result<Pool, Error> {
        self.pool_of(self.configuration(), size)
    }

    /// The same for statements that each find a few rows, many times.
    ///
    /// # Errors
    /// As [`pool`](Self::pool).
    pub fn pool_for_lookups(&self, size: usize) -> Result<Pool, Error> {
        let mut configuration = self.configuration();
        configuration.options(LOOKUPS);
        self.pool_of(configuration, size)
    }

    fn pool_of(&self, configuration: Config, size: usize) -> Result<Pool, Error> {
        let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        Pool::builder(Manager::from_config(configuration, NoTls, manager))
            .max_size(size)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE))
            .build()
            .map_err(|source| unreachable(&self.socket, source))
    }
}

/// The error of a server that cannot be reached through the folder `socket`.
pub(crate) fn unreachable(
    socket: &Path,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    Error::Unreachable { place: socket.display().to_string(), source: source.into() }
}
