//! The scenarios.

pub mod answers;
pub mod boots;
pub mod claim;
pub mod clock;
pub mod database;
pub mod flash;
pub mod install;
pub mod members;
pub mod mirror;
pub mod name;
pub mod operator;
pub mod pi;
pub mod power;
pub mod usb;
pub mod web_server;
pub mod wifi;
