//! The pages of the files, as a browser sees them.

mod acts;
mod browser;
mod bytes;
mod lists;
mod shares;
mod uploads;
mod versions;
