//! Boots an image in QEMU and says, as a typed verdict, how far it came.
//!
//! `mazet boot` and the end-to-end scenarios share this crate. QEMU and its companions
//! come from a tools tree and are started behind a command prefix ([`Runner`]); every
//! port and socket is free-chosen, so any number of machines run side by side.
//!
//! | module | subject |
//! |---|---|
//! | [`runner`] | starting programs of the tools tree |
//! | [`error`] | what can go wrong before the guest runs |
//! | [`firmware`] | legacy BIOS, UEFI, UEFI with Secure Boot; the boards of a Pi |
//! | [`disk`] | disks and sticks of a machine, overlays that keep the originals whole |
//! | [`machine`] | the description of a machine and QEMU's arguments for it |
//! | [`qemu`] | a running QEMU: serial line, monitor, ports; ends with its owner |
//! | [`qmp`] | QEMU's monitor protocol: commands and events |
//! | [`serial`] | the serial line: cleaned text to wait on, raw log on disk |
//! | [`kvm`] | does KVM run *this* kernel? Else emulation, and say so |
//! | [`gpt`] | where the FAT file system of an image starts |
//! | [`stage`] | how far a boot is, from its serial text |
//! | [`verdict`] | the typed end of a boot |
//! | [`watch`] | following a boot until its goal, its failure or the deadline |
//! | [`pi`] | what a Raspberry Pi's firmware would load |
//! | [`page`] | asking the guest for a page |
//! | [`guest`] | a root shell in the guest for tests, through the hypervisor |
//! | [`cable`] | a network between two machines |
//! | [`guard`] | a child process that cannot outlive its owner |
//! | [`feed`] | a growing value that threads can wait on |
//! | [`junit`] | verdicts for other people's CI |
//! | [`cli`] | the arguments of `mazet boot` |

pub mod cable;
pub mod cli;
pub mod disk;
pub mod error;
pub mod feed;
pub mod firmware;
pub mod gpt;
pub mod guard;
pub mod guest;
pub mod junit;
pub mod kvm;
pub mod machine;
pub mod page;
pub mod pi;
pub mod qemu;
pub mod qmp;
pub mod runner;
pub mod serial;
pub mod stage;
pub mod verdict;
pub mod watch;

pub use error::BootError;
pub use machine::Machine;
pub use qemu::Qemu;
pub use runner::Runner;
pub use verdict::{Failure, Verdict};
