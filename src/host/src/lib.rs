//! What the programs of services need of the machine.
//!
//! | module | subject |
//! |---|---|
//! | [`files`] | written whole or not at all |
//! | [`run`] | other programs, and why they failed |
//! | [`listing`] | the machine's disks |
//! | [`confirmed`] | serial numbers that were typed: these disks may be erased |

pub mod confirmed;
pub mod files;
pub mod listing;
pub mod run;
