//! The build tool's parts, as a library, so that integration tests reach them.
//!
//! | module | subject |
//! |---|---|
//! | [`cli`] | what a user types |
//! | [`commands`] | what each command does |
//! | [`build`] | the pipeline, stage by stage |
//! | [`plan`], [`resolve`], [`suites`], [`lock`] | names of packages become exact packages |
//! | [`mirror`], [`fetch`], [`repo`] | where packages come from, and how |
//! | [`deb`] | what a package says of itself |
//! | [`arch`] | architectures by their many names |
//! | [`sandbox`], [`tree`] | Debian trees, and running programs of them without root |
//! | [`compare`] | two ways to one tree, side by side |
//! | [`layers`], [`compile`], [`image`] | what goes into an image, and the image |
//! | [`stage`], [`digest`], [`paths`] | cached results, named by all that went into them |
//! | [`run`], [`ui`] | the door to other programs; what the user sees |
//! | [`recipe`] | recipes from the disk: loaded, checked, shown |
//! | [`cache`] | how large the cache is; cleaning it |
//! | [`doctor`] | what this host lacks, and the command that mends it |
//! | [`generate`] | man pages, completions, JSON Schemas |
//! | [`flash`] | writing sticks and cards |
//! | [`release`] | what is published beside an image: block map, sums, signature |
//! | [`inspect`] | what is in a finished image |
//! | [`sbom`] | the software bill of materials |
//! | [`timings`] | where a build's time goes |

pub mod arch;
pub mod build;
pub mod cache;
pub mod cli;
pub mod commands;
pub mod compare;
pub mod compile;
pub mod deb;
pub mod digest;
pub mod doctor;
pub mod fetch;
pub mod flash;
pub mod generate;
pub mod image;
pub mod inspect;
pub mod layers;
pub mod lock;
pub mod mirror;
pub mod paths;
pub mod plan;
pub mod recipe;
pub mod release;
pub mod repo;
pub mod resolve;
pub mod run;
pub mod sandbox;
pub mod sbom;
pub mod stage;
pub mod suites;
pub mod timings;
pub mod tree;
pub mod ui;
