//! Image recipes: `recipes/<name>.toml`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An image recipe as written. Strict: an unknown key is an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Recipe {
    /// What the image is.
    pub image: ImageSection,
    /// Debian packages of the base layer.
    pub packages: PackagesSection,
    /// Further suites of the archive, and what is taken from each.
    #[serde(default, rename = "suite", skip_serializing_if = "Vec::is_empty")]
    pub suites: Vec<Suite>,
    /// Of services that are alternatives to each other, the one that is on until the settings
    /// say otherwise: `web-server = "nginx"`. Where nothing is said, the first of the image.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub alternatives: BTreeMap<String, String>,
}

/// The `[image]` table of a recipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ImageSection {
    /// Name of the image; the file name without `.toml`.
    pub name: String,
    /// Debian release, by code name: `trixie`.
    pub release: String,
    /// Debian architecture: `amd64`, `arm64`.
    pub architecture: String,
    /// Folder below `firmware/` that says how this hardware boots: `pc`, `pi`.
    pub hardware: String,
    /// Archive components, e.g. `main`, `non-free-firmware`.
    pub components: Vec<String>,
    /// Services, by the names of their manifests in `recipes/services/`.
    pub services: Vec<String>,
    /// The finished image may not be larger than this, in MiB (2^20 bytes).
    #[schemars(range(min = 1))]
    pub size_budget_mib: u64,
    /// Kernel command line of the live system, after what live-boot itself needs.
    pub kernel_arguments: Vec<String>,
}

/// The `[packages]` table: what the base layer holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PackagesSection {
    /// Kernel package.
    pub kernel: String,
    /// The system itself.
    pub system: Vec<String>,
    /// Firmware and microcode for the hardware.
    #[serde(default)]
    pub firmware: Vec<String>,
}

/// One `[[suite]]`: a suite of the archive beside the release, its updates and its security updates.
///
/// The builder takes the named packages from it where it has the newest version of them, and no
/// others; so does the box, whose updates take in those of these packages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Suite {
    /// Its code name: `trixie-backports`.
    pub name: String,
    /// Names of packages; `*` stands for any letters, digits and signs: `linux-image-*`. What they
    /// depend on and no other suite has must be named too.
    #[schemars(length(min = 1))]
    pub packages: Vec<String>,
}
