//! What the build tool (`mazet`) and the box's program (`mazetd`) both read.
//!
//! Recipes, service manifests, settings (`box.toml`), templates and the few small
//! files that one program writes for the other. Nothing here touches a disk or a
//! network: parsers take `&str`, loaders live in the programs.
//!
//! | module | subject |
//! |---|---|
//! | [`alternatives`] | services of which exactly one is on |
//! | [`answers`] | `mazet.toml`: answers given in advance |
//! | [`bios`] | laying GRUB's BIOS images onto a disk |
//! | [`client`] | programs that people connect, and what they are told |
//! | [`recipe`] | `recipes/*.toml`: which image to build |
//! | [`manifest`] | `recipes/services/*.toml`: one service each |
//! | [`report`] | pages that services give to the operator |
//! | [`settings`] | `box.toml`: the box's settings, the single source of truth |
//! | [`check`] | all faults of a recipe, its manifests and overlays, at once |
//! | [`fault`] | a fault, its place and its text form |
//! | [`source`] | the files that a check is given |
//! | [`schema`] | JSON Schemas of the files that people write |
//! | [`setting_fault`] | what is wrong with a box's settings |
//! | [`sites`] | web sites, and what the manifests make of each |
//! | [`site_faults`] | what is wrong with the web sites of the settings |
//! | [`site_kind`] | kinds of web sites, in manifests |
//! | [`suggest`] | "did you mean …?" |
//! | [`template`] | rendering templates, and checking what they name |
//! | [`context`] | what templates may name |
//! | [`image`] | the description that a built image carries of itself |
//! | [`claim`] | the form of claim codes |
//! | [`options`] | what can be chosen of a service |
//! | [`qr`] | QR codes for consoles and terminals |
//! | [`values`] | values that several of these files hold |
//! | [`virtual_host`] | a virtual host in a manifest |
//! | [`vhosts`] | virtual hosts, as the templates of web servers are given them |
//! | [`wizard`] | what the wizard collects and the installer is given |
//! | [`words`] | sentences, sizes and times of services' pages, in both languages |

pub mod alternatives;
pub mod answers;
pub mod backup;
pub mod bios;
pub mod check;
pub mod claim;
pub mod client;
pub mod context;
pub mod fault;
pub mod firmware;
pub mod image;
pub mod manifest;
pub mod options;
pub mod qr;
pub mod recipe;
pub mod report;
pub mod schema;
pub mod setting_fault;
pub mod settings;
pub mod site_faults;
pub mod site_kind;
pub mod sites;
pub mod source;
pub mod suggest;
pub mod template;
pub mod values;
pub mod vhosts;
pub mod virtual_host;
pub mod wizard;
pub mod words;
