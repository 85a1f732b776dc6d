//! What the wizard collects and what the installer is given.

use serde::{Deserialize, Serialize};

use crate::settings::Settings;

/// What the installer is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Plan {
    /// A new box; what its disks hold is lost.
    New(Box<InstallPlan>),
    /// The system anew around a box's data, which stays.
    Keep(KeepPlan),
    /// A box as a backup holds it; what its disks hold is lost.
    Restore(RestorePlan),
}

impl Plan {
    /// Disks by kernel name: one, or two for a mirror.
    pub fn disks(&self) -> &[String] {
        match self {
            Self::New(plan) => &plan.disks,
            Self::Keep(plan) => &plan.disks,
            Self::Restore(plan) => &plan.disks,
        }
    }
}

/// A complete order to make the system of a box anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeepPlan {
    /// All disks of the box by kernel name: one, or two of a mirror.
    pub disks: Vec<String>,
    /// UUID of its btrfs.
    pub uuid: String,
}

/// A complete order to put a backup onto new disks. Where it is and what opens it, the wizard was told apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestorePlan {
    /// Disks by kernel name: one, or two for a mirror.
    pub disks: Vec<String>,
    /// Name of the backup in its place.
    pub backup: String,
}

/// A complete order to install a new box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstallPlan {
    /// Disks by kernel name (`sda`, `nvme0n1`): one, or two for a mirror.
    pub disks: Vec<String>,
    /// Settings of the new box.
    pub settings: Settings,
    /// Key of the Wi-Fi that the settings name: 64 hexadecimal digits; none for an open one.
    #[serde(default)]
    pub wifi_key: Option<String>,
    /// The operator's password as a PHC string (Argon2id); never the password itself.
    pub operator_password: String,
    /// The same password hashed as `shadow(5)` wants it (SHA-512-crypt).
    pub operator_unix_password: String,
}
