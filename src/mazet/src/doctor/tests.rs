//! Machines described in the test, whole reports compared.

use std::collections::HashMap;
use std::path::Path;

use super::*;

/// A machine as a test describes it.
struct Described {
    user: User,
    programs: Vec<&'static str>,
    files: HashMap<&'static str, String>,
    versions: HashMap<&'static str, &'static str>,
    namespace: Result<(), String>,
    free: u64,
    kvm: Kvm,
}

impl Host for Described {
    fn user(&self) -> User {
        self.user.clone()
    }
    fn has_program(&self, name: &str) -> bool {
        self.programs.contains(&name)
    }
    fn has_file(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }
    fn read(&self, path: &str) -> Option<String> {
        self.files.get(path).cloned()
    }
    fn version(&self, program: &str) -> Option<String> {
        self.versions.get(program).map(|line| (*line).to_owned())
    }
    fn try_user_namespace(&self) -> Result<(), String> {
        self.namespace.clone()
    }
    fn file_system(&self, path: &Path) -> Option<FileSystem> {
        let device = if path.starts_with("/other") { 2 } else { 1 };
        Some(FileSystem { device, free: self.free })
    }
    fn kvm(&self) -> Kvm {
        self.kvm
    }
}

/// A machine that lacks nothing, used by `marie`.
fn complete() -> Described {
    let files = [
        ("/usr/share/keyrings/debian-archive-keyring.gpg", ""),
        ("/etc/subuid", "marie:100000:65536\n"),
        ("/etc/subgid", "marie:100000:65536\n"),
        ("/proc/sys/kernel/osrelease", "6.12.43+deb13-amd64\n"),
        ("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1", ""),
        ("/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1", ""),
    ];
    Described {
        user: User { name: "marie".to_owned(), id: 1000 },
        programs: vec!["mmdebstrap", "newuidmap", "newgidmap", "unshare", "apt-get", "cc"],
        files: files.map(|(path, text)| (path, text.to_owned())).into(),
        versions: [
            ("cargo", "cargo 1.85.0 (d73d2caf9 2024-12-31)"),
            ("rustc", "rustc 1.85.0 (4d91de4e4 2025-02-17)"),
        ]
        .into(),
        namespace: Ok(()),
        free: 20_000_000_000,
        kvm: Kvm::Opens,
    }
}

fn folders() -> Folders {
    Folders { cache: "/home/marie/.cache/mazet".into(), images: "/home/marie/mazet/images".into() }
}

#[test]
fn a_complete_host_is_healthy() {
    let report = examine(&complete(), &folders());
    assert!(report.is_healthy());
    insta::assert_snapshot!(report.to_text(), @r"
    ok      programs: all there
    ok      archive keys: Debian's keyring is there
    ok      cargo: 1.85.0
    ok      rustc: 1.85.0
    ok      subordinate ids: marie has 65536 or more
    ok      user namespaces: allowed (tried)
    ok      free space: 20.0 GB at /home/marie/.cache/mazet
    ok      emulation: Linux 6.12 lets a build bring its own
    ok      KVM: /dev/kvm opens; each boot probes whether it can run the kernel
    ok      other clock: libfaketime is there for the test that builds twice

    This host can build images.
    ");
}

#[test]
fn a_fresh_ubuntu_is_told_everything_at_once() {
    let mut host = complete();
    host.programs.retain(|name| !["mmdebstrap", "newuidmap", "newgidmap", "cc"].contains(name));
    host.files.remove("/usr/share/keyrings/debian-archive-keyring.gpg");
    host.files.insert("/etc/subuid", "jean:100000:65536\n".to_owned());
    host.files.insert("/etc/subgid", "jean:100000:65536\n".to_owned());
    host.versions.insert("cargo", "cargo 1.75.0");
    host.versions.remove("rustc");
    host.files.retain(|path, _| !path.contains("faketime"));
    host.free = 3_250_000_000;
    host.kvm = Kvm::Forbidden;
    let report = examine(&host, &folders());
    assert!(!report.is_healthy());
    insta::assert_snapshot!(report.to_text(), @r"
    MISSING programs: not found: mmdebstrap (makes the tools tree), newuidmap (maps sub-ids), newgidmap (maps sub-ids), cc (links the build tool)
                sudo apt-get install --no-install-recommends mmdebstrap uidmap gcc libc6-dev
    MISSING archive keys: /usr/share/keyrings/debian-archive-keyring.gpg is not there: packages cannot be verified
                sudo apt-get install debian-archive-keyring
    MISSING cargo: 1.75.0 is too old; 1.85 or newer is needed
                ./mazet --yes --version
    MISSING rustc: does not run; Rust 1.85 or newer is needed
                ./mazet --yes --version
    MISSING subordinate ids: marie has fewer than 65536 in /etc/subuid and /etc/subgid
                sudo usermod --add-subuids 165536-231071 --add-subgids 165536-231071 marie
    MISSING free space: 3.2 GB at /home/marie/.cache/mazet; a first build needs 12.0 GB: 8.8 GB too little
                ./mazet cache clean
                XDG_CACHE_HOME=/path/with/room ./mazet build pc
    ok      emulation: Linux 6.12 lets a build bring its own
    note    KVM: marie may not open /dev/kvm: boots are emulated, which takes minutes
                sudo usermod --append --groups kvm marie
    note    other clock: no libfaketime: `mazet test` cannot build a second time with another clock
                sudo apt-get install --no-install-recommends libfaketime

    6 things are missing. Run the commands below them, then `./mazet doctor` again.
    ");
}

#[test]
fn ubuntus_apparmor_switch_is_named_with_its_cure() {
    let mut host = complete();
    host.namespace = Err("unshare: cannot change root filesystem propagation: Permission denied".to_owned());
    host.files.insert("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n".to_owned());
    let report = examine(&host, &folders());
    let finding = report.findings.iter().find(|finding| finding.check == "user namespaces").expect("checked");
    assert_eq!(finding.state, State::Missing);
    assert_eq!(finding.found, "forbidden by kernel.apparmor_restrict_unprivileged_userns=1");
    assert_eq!(
        finding.mend,
        [
            "echo 'kernel.apparmor_restrict_unprivileged_userns = 0' | sudo tee /etc/sysctl.d/60-mazet.conf",
            "sudo sysctl --system",
        ]
    );
}

#[test]
fn other_switches_are_told_apart() {
    for (path, value, cure) in [
        ("/proc/sys/kernel/unprivileged_userns_clone", "0\n", "kernel.unprivileged_userns_clone = 1"),
        ("/proc/sys/user/max_user_namespaces", "0\n", "user.max_user_namespaces = 15000"),
    ] {
        let mut host = complete();
        host.namespace = Err("unshare: unshare failed: Operation not permitted".to_owned());
        host.files.insert(path, value.to_owned());
        let report = examine(&host, &folders());
        assert!(report.to_text().contains(cure), "{path}: {}", report.to_text());
    }
}

#[test]
fn a_refusal_without_a_known_switch_shows_the_words() {
    let mut host = complete();
    host.namespace = Err("unshare: unshare failed: Operation not permitted".to_owned());
    let report = examine(&host, &folders());
    assert!(!report.is_healthy());
    assert!(report.to_text().contains("refused: \"unshare: unshare failed: Operation not permitted\""));
}

#[test]
fn an_older_kernel_needs_the_host_s_emulator_for_a_pi_alone() {
    let mut host = complete();
    host.files.insert("/proc/sys/kernel/osrelease", "6.1.0-39-amd64\n".to_owned());
    let report = examine(&host, &folders());
    assert!(report.is_healthy());
    assert!(report.to_text().contains("sudo apt-get install --no-install-recommends qemu-user-static"));
    host.files.insert("/proc/sys/fs/binfmt_misc/qemu-aarch64", "enabled\n".to_owned());
    assert!(examine(&host, &folders()).findings.iter().all(|finding| finding.state == State::Good));
}

#[test]
fn root_needs_neither_sub_ids_nor_namespaces_nor_sudo() {
    let mut host = complete();
    host.user = User { name: "root".to_owned(), id: 0 };
    host.programs.retain(|name| !["newuidmap", "newgidmap", "mmdebstrap"].contains(name));
    host.files.remove("/etc/subuid");
    host.namespace = Err("not asked".to_owned());
    let report = examine(&host, &folders());
    let mends: Vec<&String> = report.findings.iter().flat_map(|finding| &finding.mend).collect();
    assert_eq!(mends, ["apt-get install --no-install-recommends mmdebstrap"]);
}

#[test]
fn folders_on_two_file_systems_are_measured_apart() {
    let mut host = complete();
    host.free = 5_000_000_000;
    let folders = Folders { cache: "/home/marie/.cache/mazet".into(), images: "/other/images".into() };
    let report = examine(&host, &folders);
    let space: Vec<(&str, State)> = report
        .findings
        .iter()
        .filter(|finding| finding.check.starts_with("free space"))
        .map(|finding| (finding.check, finding.state))
        .collect();
    assert_eq!(space, [("free space for the cache", State::Missing), ("free space for images", State::Good)]);
}

#[test]
fn the_json_has_one_object_a_check() {
    let json = serde_json::to_value(examine(&complete(), &folders())).expect("serialises");
    assert_eq!(json["findings"][0]["check"], "programs");
    assert_eq!(json["findings"][0]["state"], "good");
}

#[test]
fn this_host_knows_its_user_and_its_shell() {
    assert!(!ThisHost.user().name.is_empty());
    assert!(ThisHost.has_program("sh"));
    assert!(!ThisHost.has_program("no-such-program-of-mazet"));
    assert!(ThisHost.file_system(Path::new("/no/such/folder")).is_some());
}
