//! Provenance: what an image was made from, and by what. An in-toto statement (version 1) whose
//! predicate is SLSA provenance, version 1 (<https://slsa.dev/spec/v1.0/provenance>).

use serde_json::{Value, json};

use crate::digest::Digest;
use crate::image::beside::ImageManifest;
use crate::lock::{Entry, Lock};
use crate::sbom;

/// A file that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Its name, without folder.
    pub name: String,
    /// Its sum.
    pub sha256: Digest,
}

/// The statement over `subjects`, as JSON text with a final line feed. The same inputs give the
/// same text: there is no clock in it. `builder` names who vouches for it, as a URI.
pub fn statement(subjects: &[Subject], manifest: &ImageManifest, lock: &Lock, builder: &str) -> String {
    let subject = |subject: &Subject| json!({ "name": subject.name, "digest": { "sha256": subject.sha256 } });
    let image = &manifest.image;
    let lock_text = Digest::of(lock.render());
    let mut materials = vec![json!({
        "name": format!("{}.lock", image.name),
        "digest": { "sha256": lock_text },
    })];
    materials.extend(lock.packages.iter().map(|entry| material(entry, &lock.release)));
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subjects.iter().map(subject).collect::<Vec<_>>(),
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                // Names, not addresses: docs/formats.md says what stands behind them.
                "buildType": "urn:mazet:build:1",
                "externalParameters": {
                    "recipe": image.name,
                    "release": image.release,
                    "architecture": image.architecture,
                    "services": image.services,
                },
                "internalParameters": { "sourceDateEpoch": manifest.epoch },
                "resolvedDependencies": materials,
            },
            "runDetails": {
                "builder": { "id": builder, "version": { "mazet": image.version } },
                "metadata": { "invocationId": manifest.key },
            },
        },
    });
    format!("{statement:#}\n")
}

/// A package: those that lie in the image, and those of the trees that built it.
fn material(entry: &Entry, release: &str) -> Value {
    json!({
        "uri": sbom::package_url(release, &sbom::Package::from(entry)),
        "digest": { "sha256": entry.sha256 },
        "annotations": { "part": entry.part },
    })
}
