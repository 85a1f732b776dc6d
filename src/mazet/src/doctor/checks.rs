//! The checks, one function each.

use std::path::PathBuf;

use super::host::{FileSystem, Host, Kvm, User};
use crate::arch::Architecture;
use crate::commands::test::clock;

use super::{CACHE_BYTES, Finding, Folders, IMAGES_BYTES, RUST_MINIMUM, State};

/// A host program that a build needs.
struct Tool {
    program: &'static str,
    package: &'static str,
    purpose: &'static str,
    /// Needed by ordinary users alone.
    only_unprivileged: bool,
}

const TOOLS: [Tool; 6] = [
    tool("mmdebstrap", "mmdebstrap", "makes the tools tree"),
    Tool { only_unprivileged: true, ..tool("newuidmap", "uidmap", "maps sub-ids") },
    Tool { only_unprivileged: true, ..tool("newgidmap", "uidmap", "maps sub-ids") },
    tool("unshare", "util-linux", "makes namespaces"),
    tool("apt-get", "apt", "fetches the tools tree"),
    tool("cc", "gcc libc6-dev", "links the build tool"),
];

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
/// Ids that a Debian tree needs: 0–65535, of which `nobody` is the last.
const SUB_IDS: u64 = 65536;

const fn tool(program: &'static str, package: &'static str, purpose: &'static str) -> Tool {
    Tool { program, package, purpose, only_unprivileged: false }
}

fn good(check: &'static str, found: impl Into<String>) -> Finding {
    Finding { check, state: State::Good, found: found.into(), mend: Vec::new() }
}

fn missing(check: &'static str, found: impl Into<String>, mend: Vec<String>) -> Finding {
    Finding { check, state: State::Missing, found: found.into(), mend }
}

/// A command as this user must type it to run it as root.
fn as_root(user: &User, command: &str) -> String {
    if user.id == 0 { command.to_owned() } else { format!("sudo {command}") }
}

/// Are the programs there?
pub(super) fn programs(host: &impl Host) -> Finding {
    let user = host.user();
    let wanted = TOOLS.iter().filter(|tool| user.id != 0 || !tool.only_unprivileged);
    let lacking: Vec<&Tool> = wanted.filter(|tool| !host.has_program(tool.program)).collect();
    if lacking.is_empty() {
        return good("programs", "all there");
    }
    let words: Vec<String> =
        lacking.iter().map(|tool| format!("{} ({})", tool.program, tool.purpose)).collect();
    let mut packages: Vec<&str> = lacking.iter().map(|tool| tool.package).collect();
    packages.dedup();
    let found = format!("not found: {}", words.join(", "));
    if !host.has_program("apt-get") {
        let found = format!("{found}. Mazet builds on Debian and Ubuntu");
        return missing("programs", found, Vec::new());
    }
    missing(
        "programs",
        found,
        vec![as_root(&user, &format!("apt-get install --no-install-recommends {}", packages.join(" ")))],
    )
}

/// Are Debian's keys there, which the first tree is verified with?
pub(super) fn keyring(host: &impl Host) -> Finding {
    if host.has_file(KEYRING) {
        return good("archive keys", "Debian's keyring is there");
    }
    let command = as_root(&host.user(), "apt-get install debian-archive-keyring");
    missing("archive keys", format!("{KEYRING} is not there: packages cannot be verified"), vec![command])
}

/// Is this program of the Rust toolchain new enough?
pub(super) fn rust(host: &impl Host, program: &'static str) -> Finding {
    let (major, minor) = RUST_MINIMUM;
    let mend = vec!["./mazet --yes --version".to_owned()];
    let Some(line) = host.version(program) else {
        let found = format!("does not run; Rust {major}.{minor} or newer is needed");
        return missing(program, found, mend);
    };
    let version = line.split_whitespace().nth(1).unwrap_or_default();
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().unwrap_or_default());
    let is = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    if is >= RUST_MINIMUM {
        return good(program, version);
    }
    missing(program, format!("{version} is too old; {major}.{minor} or newer is needed"), mend)
}

/// May this user make the namespaces that a build runs in? Root needs none.
pub(super) fn namespaces(host: &impl Host) -> Vec<Finding> {
    let user = host.user();
    if user.id == 0 {
        return vec![good("namespaces", "not needed: running as root")];
    }
    let sub_ids = sub_ids(host, &user);
    if sub_ids.state != State::Good {
        // Without sub-ids the trial fails for that reason alone and would mislead.
        return vec![sub_ids];
    }
    vec![sub_ids, user_namespace(host, &user)]
}

/// Has the user a range of subordinate ids in both files (subuid(5), subgid(5))?
fn sub_ids(host: &impl Host, user: &User) -> Finding {
    let files = ["/etc/subuid", "/etc/subgid"].map(|path| host.read(path).unwrap_or_default());
    if files.iter().all(|text| largest_range(text, user) >= SUB_IDS) {
        return good("subordinate ids", format!("{} has {SUB_IDS} or more", user.name));
    }
    let first = files.iter().map(|text| first_free(text)).max().unwrap_or(100_000);
    let range = format!("{first}-{}", first + SUB_IDS - 1);
    missing(
        "subordinate ids",
        format!("{} has fewer than {SUB_IDS} in /etc/subuid and /etc/subgid", user.name),
        vec![as_root(user, &format!("usermod --add-subuids {range} --add-subgids {range} {}", user.name))],
    )
}

/// The lines of a sub-id file as `(owner, first, count)`; malformed lines are left out.
fn ranges(text: &str) -> impl Iterator<Item = (&str, u64, u64)> {
    text.lines().filter_map(|line| {
        let mut fields = line.trim().split(':');
        Some((fields.next()?, fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    })
}

fn largest_range(text: &str, user: &User) -> u64 {
    let id = user.id.to_string();
    let own = ranges(text).filter(|(owner, ..)| *owner == user.name || *owner == id);
    own.map(|(_, _, count)| count).max().unwrap_or(0)
}

/// First id above all that is given away, and not below Debian's first (SUB_UID_MIN).
fn first_free(text: &str) -> u64 {
    ranges(text).map(|(_, first, count)| first.saturating_add(count)).max().unwrap_or(0).max(100_000)
}

/// Does the kernel let this user make a user namespace?
fn user_namespace(host: &impl Host, user: &User) -> Finding {
    let Err(words) = host.try_user_namespace() else {
        return good("user namespaces", "allowed (tried)");
    };
    for (switch, wrong, right) in [
        ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),
        ("kernel.unprivileged_userns_clone", "0", "1"),
        ("user.max_user_namespaces", "0", "15000"),
    ] {
        let path = format!("/proc/sys/{}", switch.replace('.', "/"));
        if host.read(&path).is_some_and(|value| value.trim() == wrong) {
            let found = format!("forbidden by {switch}={wrong}");
            return missing("user namespaces", found, lasting_sysctl(user, switch, right));
        }
    }
    let found = format!(
        "refused: \"{words}\". In a container, allow them when starting it \
         (e.g. --security-opt seccomp=unconfined), or build as root"
    );
    missing("user namespaces", found, Vec::new())
}

/// Sets a kernel switch now and after each start.
fn lasting_sysctl(user: &User, switch: &str, value: &str) -> Vec<String> {
    let tee = as_root(user, "tee /etc/sysctl.d/60-mazet.conf");
    vec![format!("echo '{switch} = {value}' | {tee}"), as_root(user, "sysctl --system")]
}

/// Is there room for a first build? One sum where both folders share a file system.
pub(super) fn space(host: &impl Host, folders: &Folders) -> Vec<Finding> {
    let cache = host.file_system(&folders.cache);
    let images = host.file_system(&folders.images);
    let shared = matches!((cache, images), (Some(a), Some(b)) if a.device == b.device);
    let wanted = if shared {
        vec![("free space", &folders.cache, cache, CACHE_BYTES + IMAGES_BYTES)]
    } else {
        vec![
            ("free space for the cache", &folders.cache, cache, CACHE_BYTES),
            ("free space for images", &folders.images, images, IMAGES_BYTES),
        ]
    };
    let finding = |(check, path, found, need): (&'static str, &PathBuf, Option<FileSystem>, u64)| {
        let free = found.map_or(0, |system| system.free);
        let place = path.display();
        if free >= need {
            return good(check, format!("{} at {place}", gigabytes(free)));
        }
        // Rounded up: freeing what is named must be enough.
        let lack = gigabytes((need - free).next_multiple_of(100_000_000));
        let found = format!(
            "{} at {place}; a first build needs {}: {lack} too little",
            gigabytes(free),
            gigabytes(need)
        );
        let elsewhere = "XDG_CACHE_HOME=/path/with/room ./mazet build pc".to_owned();
        missing(check, found, vec!["./mazet cache clean".to_owned(), elsewhere])
    };
    wanted.into_iter().map(finding).collect()
}

/// Bytes as gigabytes (10^9) with one decimal.
fn gigabytes(bytes: u64) -> String {
    let tenths = bytes / 100_000_000;
    format!("{}.{} GB", tenths / 10, tenths % 10)
}

/// Do boots run with the processor's help? Never a reason to stop: emulation works.
pub(super) fn kvm(host: &impl Host) -> Finding {
    let user = host.user();
    let (found, mend) = match host.kvm() {
        Kvm::Opens => return good("KVM", "/dev/kvm opens; each boot probes whether it can run the kernel"),
        Kvm::Forbidden => (
            format!("{} may not open /dev/kvm: boots are emulated, which takes minutes", user.name),
            vec![as_root(&user, &format!("usermod --append --groups kvm {}", user.name))],
        ),
        Kvm::Absent => ("no /dev/kvm: boots are emulated, which takes minutes".to_owned(), Vec::new()),
    };
    Finding { check: "KVM", state: State::Note, found, mend }
}

/// Linux that lets a user namespace register emulators, as (major, minor).
const OWN_EMULATORS: (u32, u32) = (6, 7);

/// Can a build run programs of another architecture? Only images for one need it.
pub(super) fn emulation(host: &impl Host) -> Finding {
    let check = "emulation";
    let release = host.read("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.trim().split(['.', '-']).map(|part| part.parse::<u32>().unwrap_or_default());
    let is = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    if is >= OWN_EMULATORS {
        return good(check, format!("Linux {}.{} lets a build bring its own", is.0, is.1));
    }
    if host.has_file("/proc/sys/fs/binfmt_misc/qemu-aarch64") {
        return good(check, "the host has registered QEMU for arm64");
    }
    let (major, minor) = OWN_EMULATORS;
    Finding {
        check,
        state: State::Note,
        found: format!(
            "a kernel before Linux {major}.{minor}, and no emulator for arm64: images for a Pi cannot be built"
        ),
        mend: vec![as_root(&host.user(), "apt-get install --no-install-recommends qemu-user-static")],
    }
}

/// Can `mazet test` build a second time with another clock? Builds do without.
pub(super) fn other_clock(host: &impl Host) -> Finding {
    let check = "other clock";
    let library = Architecture::builder().map(clock::library).unwrap_or_default();
    if host.has_file(&library.to_string_lossy()) {
        return good(check, "libfaketime is there for the test that builds twice");
    }
    Finding {
        check,
        state: State::Note,
        found: "no libfaketime: `mazet test` cannot build a second time with another clock".to_owned(),
        mend: vec![as_root(&host.user(), "apt-get install --no-install-recommends libfaketime")],
    }
}
