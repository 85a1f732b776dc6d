//! The program itself: killed, with clients killed, with the disk changed by hand, under load.

mod cut;
mod full;
mod large;
mod picture;
mod process;
mod scan;
mod snapshot;
