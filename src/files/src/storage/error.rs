//! What can go wrong.

use std::io;

use rustix::io::Errno;
use thiserror::Error;

/// What a call gives, or what went wrong.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong.
#[derive(Debug, Error)]
pub enum Error {
    /// There is no such file or folder, or it may not be seen.
    #[error("there is no such file or folder")]
    NotFound,
    /// The folder that it should go to is not there.
    #[error("there is no folder for it")]
    NoFolder,
    /// It may be read, not changed.
    #[error("it may not be changed")]
    Denied,
    /// Something has that name.
    #[error("something has that name already")]
    Exists,
    /// It is a folder where a file is wanted, or the other way round.
    #[error("a file and a folder are not the same")]
    Kind,
    /// A folder cannot go into itself.
    #[error("a folder cannot go into itself")]
    Loop,
    /// There is no room for it.
    #[error("there is no room: {0}")]
    NoSpace(Full),
    /// Somebody works on it (a lock of WebDAV).
    #[error("somebody is working on it")]
    Locked,
    /// A name that cannot be given.
    #[error("the name cannot be given: {0}")]
    BadName(BadName),
    /// It is not any more what the caller saw.
    #[error("it was changed meanwhile")]
    Changed,
    /// Fewer or more bytes came than were said.
    #[error("{said} bytes were said, {came} came")]
    Length {
        /// Bytes that were said.
        said: u64,
        /// Bytes that came.
        came: u64,
    },
    /// The database does not answer.
    #[error("the database does not answer: {0}")]
    Unavailable(Box<dyn std::error::Error + Send + Sync>),
    /// The disk does not do what it should.
    #[error("the disk failed: {0}")]
    Disk(io::Error),
    /// The program is at fault.
    #[error("the files failed: {0}")]
    Internal(String),
}

/// What is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Full {
    /// What the person or association may take.
    #[error("the quota is used up")]
    Quota,
    /// The disk.
    #[error("the disk is full")]
    Disk,
}

/// Why a name cannot be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadName {
    /// Nothing, `.` or `..`.
    #[error("it is empty, or dots")]
    Empty,
    /// A slash or a zero byte.
    #[error("it has a character that no name may have")]
    Character,
    /// More than 255 bytes, or a path that is too deep.
    #[error("it is too long")]
    Long,
}

impl Error {
    pub(crate) fn unavailable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::NOSPC | Errno::DQUOT) => Self::NoSpace(Full::Disk),
            Some(Errno::NAMETOOLONG) => Self::BadName(BadName::Long),
            Some(Errno::NOENT | Errno::LOOP | Errno::XDEV) => Self::NotFound,
            Some(Errno::EXIST | Errno::NOTEMPTY) => Self::Exists,
            _ => Self::Disk(error),
        }
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            // Two at a time made the same name: the one that came first has it.
            Some(said) if said.constraint() == Some("node_parent_id_name_key") => Self::Exists,
            Some(said) => Self::Internal(said.to_string()),
            None => Self::unavailable(error),
        }
    }
}

impl From<mazet_database::Error> for Error {
    fn from(error: mazet_database::Error) -> Self {
        Self::unavailable(error)
    }
}
