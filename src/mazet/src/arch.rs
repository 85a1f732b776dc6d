//! Debian's architectures, and the names that other tools have for them.

use std::env::consts::ARCH;

use anyhow::{Context as _, Result};

/// An architecture that Mazet builds on or for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Architecture {
    /// Debian's name: `arm64`.
    pub debian: &'static str,
    /// The kernel's name, as `uname -m` prints it: `aarch64`.
    pub machine: &'static str,
    /// The GNU triplet: names its library folder and its cross compiler.
    pub gnu: &'static str,
    /// Rust's target.
    pub rust: &'static str,
    /// Where the loader of its programs lies below `/usr`.
    pub loader: &'static str,
    /// The link by which programs find the loader, and what it says; none where that is `/lib`, which
    /// every tree has.
    pub loader_link: Option<(&'static str, &'static str)>,
    /// `e_machine` of its programs (System V ABI, ELF header).
    pub elf_machine: u16,
}

const ALL: [Architecture; 2] = [
    Architecture {
        debian: "amd64",
        machine: "x86_64",
        gnu: "x86_64-linux-gnu",
        rust: "x86_64-unknown-linux-gnu",
        loader: "/usr/lib64/ld-linux-x86-64.so.2",
        loader_link: Some(("/lib64", "usr/lib64")),
        elf_machine: 62,
    },
    Architecture {
        debian: "arm64",
        machine: "aarch64",
        gnu: "aarch64-linux-gnu",
        rust: "aarch64-unknown-linux-gnu",
        loader: "/usr/lib/ld-linux-aarch64.so.1",
        loader_link: None,
        elf_machine: 183,
    },
];

impl Architecture {
    /// The architecture by Debian's name.
    ///
    /// # Errors
    /// When Mazet does not know it.
    pub fn of(debian: &str) -> Result<Self> {
        let found = ALL.into_iter().find(|architecture| architecture.debian == debian);
        found.with_context(|| {
            format!("Mazet does not know the architecture {debian}; it knows amd64 and arm64")
        })
    }

    /// The builder's own.
    ///
    /// # Errors
    /// When Mazet does not know it.
    pub fn builder() -> Result<Self> {
        let found = ALL.into_iter().find(|architecture| architecture.machine == ARCH);
        found.with_context(|| {
            format!("Mazet does not build on {ARCH} machines: use an x86_64 or an aarch64 one")
        })
    }

    /// Its programs do not run on the builder by themselves.
    pub fn is_foreign(self) -> bool {
        self.machine != ARCH
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builder_s_own_is_not_foreign() {
        let own = Architecture::builder().expect("tests run where Mazet builds");
        assert!(!own.is_foreign());
        assert!(ALL.into_iter().any(Architecture::is_foreign));
        assert!(Architecture::of("m68k").expect_err("unknown").to_string().contains("m68k"));
    }
}
