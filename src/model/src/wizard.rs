//! What the wizard collects and what the installer is given.

use serde::{Deserialize, Serialize};

use crate::settings::Settings;

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
