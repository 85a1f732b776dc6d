//! The scenarios.

pub mod boots;
pub mod claim;
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
pub mod web_servers;
