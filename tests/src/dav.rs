//! A person's files, as a client of theirs sees them: WebDAV with curl and an application password.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::browser::Browser;
use crate::lab::Bench;
use crate::members::{self, NEXT};

/// The operator's client.
pub struct Client<'a> {
    /// Where it keeps its own files.
    pub bench: &'a Bench,
    /// The box's address.
    pub base: String,
    /// An application password.
    pub password: String,
}

impl<'a> Client<'a> {
    /// A client of the operator, who makes the application password in `browser`, on their own page.
    pub fn of(bench: &'a Bench, browser: &Browser, base: &str) -> Result<Self> {
        browser.go(&format!("{base}/account/applications"))?;
        browser.fill("//input[@id='name']", "Ordinateur du bureau")?;
        browser.click(NEXT)?;
        let password = browser.text("//code[@id='password']")?;
        Ok(Self { bench, base: base.to_owned(), password })
    }

    /// What the file at `path` holds.
    pub fn get(&self, path: &str) -> Result<Vec<u8>> {
        self.curl(&[], path)
    }

    /// Sends a file to `path`; its folder is there.
    pub fn put(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let file = self.file("upload", bytes)?;
        self.curl(&["--upload-file", &file.display().to_string()], path).map(drop)
    }

    /// Asks for a path below `/dav/`, written as in a URL.
    pub fn curl(&self, words: &[&str], path: &str) -> Result<Vec<u8>> {
        self.ask(words, &format!("/dav/{path}"))
    }

    /// Asks for any path of the box, written as in a URL.
    pub fn ask(&self, words: &[&str], path: &str) -> Result<Vec<u8>> {
        let mut arguments =
            vec!["--silent", "--show-error", "--fail", "--insecure", "--noproxy", "*", "--max-time", "600"];
        let netrc = self.file("netrc", self.secret().as_bytes())?;
        let (netrc, url) = (netrc.display().to_string(), format!("{}{path}", self.base));
        arguments.extend(["--netrc-file", &netrc]);
        arguments.extend(words);
        arguments.push(&url);
        self.bench.lab.test_tree.output("curl", &arguments).with_context(|| format!("asking for {path}"))
    }

    /// What somebody without an account is answered.
    pub fn strangers(&self, path: &str) -> Result<Vec<u8>> {
        let words =
            ["--silent", "--show-error", "--fail", "--insecure", "--noproxy", "*", "--max-time", "120"];
        let url = format!("{}{path}", self.base);
        Ok(self.bench.lab.test_tree.output("curl", &[&words[..], &[&url]].concat())?)
    }

    /// What a program finds the password by, in a file: not on its command line (netrc).
    pub fn secret(&self) -> String {
        format!("machine 127.0.0.1 login {} password {}\n", members::OPERATOR.login, self.password)
    }

    /// A file of this computer.
    pub fn file(&self, name: &str, bytes: &[u8]) -> Result<PathBuf> {
        let path = self.bench.path(name);
        fs::write(&path, bytes).with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }
}

/// A path as it stands in a URL (RFC 3986, 2.1).
pub fn encoded(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    path.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_as_in_a_url() {
        assert_eq!(encoded("Été 100 %/a-b.txt"), "%C3%89t%C3%A9%20100%20%25/a-b.txt");
    }
}
