//! A bill for three packages, checked against the rules of SPDX 2.3.

use std::collections::HashSet;

use super::*;

const STATUS: &str = "\
Package: libstdc++6
Status: install ok installed
Maintainer: Debian GCC Maintainers <debian-gcc@lists.debian.org>
Architecture: amd64
Source: gcc-14 (14.2.0-19)
Version: 14.2.0-19+b1
Description: GNU Standard C++ Library v3
 This package contains an additional runtime library.
 Homepage: not a field
Homepage: http://gcc.gnu.org/

Package: tzdata
Status: install ok installed
Maintainer: GNU Libc Maintainers <debian-glibc@lists.debian.org>
Architecture: all
Version: 2026a-1

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1
";

fn package(name: &str, version: &str, architecture: &str) -> Package {
    Package {
        name: name.to_owned(),
        version: version.to_owned(),
        architecture: architecture.to_owned(),
        sha256: "ab".repeat(32),
        path: format!("pool/main/x/{name}_{version}_{architecture}.deb"),
    }
}

fn packages() -> Vec<Package> {
    vec![package("tzdata", "2026a-1", "all"), package("libstdc++6", "14.2.0-19+b1", "amd64")]
}

fn subject() -> Subject<'static> {
    Subject {
        image: "pc",
        release: "trixie",
        digest: "0123456789abcdef",
        image_sha256: Some("cd"),
        epoch: 1_790_000_000,
        tool_version: "0.1.0",
    }
}

/// The structural rules of the specification that a machine can hold a document to.
fn assert_valid(document: &Value) {
    for key in ["spdxVersion", "dataLicense", "SPDXID", "name", "documentNamespace", "creationInfo"] {
        assert!(!document[key].is_null(), "{key} is mandatory");
    }
    let namespace = document["documentNamespace"].as_str().expect("a string");
    assert!(namespace.starts_with("https://") && !namespace.contains('#'), "{namespace}");
    let mut ids = HashSet::from(["SPDXRef-DOCUMENT"]);
    for package in document["packages"].as_array().expect("packages") {
        for key in ["SPDXID", "name", "downloadLocation"] {
            assert!(package[key].is_string(), "{key} is mandatory: {package}");
        }
        assert_eq!(package["filesAnalyzed"], false, "so no verification code is due");
        let id = package["SPDXID"].as_str().expect("a string");
        let rest = id.strip_prefix("SPDXRef-").expect("the prefix");
        assert!(rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-'), "{id}");
        assert!(ids.insert(id), "{id} is there twice");
    }
    let mut described = 0;
    for relationship in document["relationships"].as_array().expect("relationships") {
        for end in ["spdxElementId", "relatedSpdxElement"] {
            assert!(ids.contains(relationship[end].as_str().expect("a string")), "{relationship}");
        }
        described += usize::from(relationship["relationshipType"] == "DESCRIBES");
    }
    assert_eq!(described, 1, "a document says what it describes");
}

#[test]
fn the_document_follows_the_specification() {
    let text = document(&subject(), &packages(), STATUS).expect("made");
    let value: Value = serde_json::from_str(&text).expect("JSON");
    assert_valid(&value);
    insta::assert_snapshot!(text);
}

#[test]
fn the_order_of_the_input_does_not_show() {
    let mut turned = packages();
    turned.reverse();
    let one = document(&subject(), &packages(), STATUS).expect("made");
    assert_eq!(one, document(&subject(), &turned, STATUS).expect("made"));
}

#[test]
fn a_lock_and_a_database_that_differ_are_refused() {
    let mut wrong = packages();
    wrong[0].version = "2025z-1".to_owned();
    wrong.push(package("nginx", "1.26", "amd64"));
    wrong.remove(1);
    let error = document(&subject(), &wrong, STATUS).expect_err("refused");
    assert_eq!(
        error.0,
        [
            "nginx 1.26 is locked and not installed",
            "tzdata is locked at 2025z-1 and installed at 2026a-1",
            "libstdc++6 14.2.0-19+b1 is installed and not locked",
        ]
    );
}

#[test]
fn times_are_written_in_utc() {
    assert_eq!(timestamp(0), "1970-01-01T00:00:00Z");
    assert_eq!(timestamp(951_782_399), "2000-02-28T23:59:59Z");
    assert_eq!(timestamp(951_782_400), "2000-02-29T00:00:00Z");
    assert_eq!(timestamp(1_735_689_599), "2024-12-31T23:59:59Z");
    assert_eq!(timestamp(4_102_444_800), "2100-01-01T00:00:00Z");
}

#[test]
fn package_urls_are_encoded() {
    let epoch = package("g++", "4:14.2.0-1~deb13", "amd64");
    assert_eq!(
        package_url("trixie", &epoch),
        "pkg:deb/debian/g%2B%2B@4%3A14.2.0-1~deb13?arch=amd64&distro=trixie"
    );
}
