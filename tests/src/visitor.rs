//! Foreign clients: curl.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use mazet_boot::Qemu;

use crate::lab::Lab;

/// What curl writes after each answer, on a line of its own.
const FORMAT: &str = "%{http_code} %{redirect_url}";

/// A visitor with curl and a cookie jar of their own.
#[derive(Debug)]
pub struct Visitor<'a> {
    lab: &'a Lab,
    base: String,
    jar: PathBuf,
    more: Vec<String>,
}

/// An answer to curl.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Where a redirect leads; empty if nowhere.
    pub redirect: String,
    /// The page.
    pub body: String,
    /// Headers, as sent.
    pub headers: String,
}

impl<'a> Visitor<'a> {
    /// A visitor of `qemu`'s HTTPS server whose cookies are kept in the file `jar`.
    pub fn new(lab: &'a Lab, qemu: &Qemu, jar: &Path) -> Result<Self> {
        let base = format!("https://127.0.0.1:{}", qemu.port(443)?);
        Ok(Self { lab, base, jar: jar.to_owned(), more: Vec::new() })
    }

    /// A visitor of the address `base`, as a page of the box shows it; the host's loopback port `port` leads
    /// there.
    pub fn led(lab: &'a Lab, base: &str, port: u16, jar: &Path) -> Self {
        let more = vec!["--connect-to".to_owned(), format!("::127.0.0.1:{port}")];
        Self { lab, base: base.trim_end_matches('/').to_owned(), jar: jar.to_owned(), more }
    }

    /// GET.
    pub fn get(&self, path: &str) -> Result<Reply> {
        self.curl(path, &[])
    }

    /// POST of a form.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Result<Reply> {
        let data = fields
            .iter()
            .flat_map(|(name, value)| ["--data-urlencode".to_owned(), format!("{name}={value}")]);
        let arguments: Vec<String> =
            ["--request".to_owned(), "POST".to_owned()].into_iter().chain(data).collect();
        self.curl(path, &arguments)
    }

    fn curl(&self, path: &str, more: &[String]) -> Result<Reply> {
        let jar = self.jar.to_string_lossy().into_owned();
        let url = format!("{}{path}", self.base);
        let fixed =
            ["--silent", "--show-error", "--insecure", "--include", "--max-time", "120", "--noproxy", "*"];
        let mut arguments: Vec<String> = fixed.map(str::to_owned).to_vec();
        arguments.extend(["--cookie".to_owned(), jar.clone(), "--cookie-jar".to_owned(), jar]);
        arguments.extend(["--write-out".to_owned(), format!("\n{FORMAT}")]);
        arguments.extend_from_slice(&self.more);
        arguments.extend_from_slice(more);
        arguments.push(url);
        let output = self.lab.test_tree.output("curl", &arguments)?;
        reply(&String::from_utf8_lossy(&output)).with_context(|| format!("reading curl's answer for {path}"))
    }
}

fn reply(text: &str) -> Result<Reply> {
    let (page, last) = text.rsplit_once('\n').ok_or_else(|| anyhow!("curl wrote nothing"))?;
    let (status, redirect) = last.split_once(' ').unwrap_or((last, ""));
    let (headers, body) = page.split_once("\r\n\r\n").unwrap_or((page, ""));
    Ok(Reply {
        status: status.parse().with_context(|| format!("`{status}` is no HTTP status"))?,
        redirect: redirect.to_owned(),
        body: body.to_owned(),
        headers: headers.to_owned(),
    })
}

/// The value of the hidden form field `csrf` of a page.
pub fn csrf(page: &str) -> Result<String> {
    let after =
        page.split_once("name=\"csrf\" value=\"").ok_or_else(|| anyhow!("the page has no CSRF token"))?.1;
    Ok(after.split('"').next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_apart() {
        let text = "HTTP/1.1 303 See Other\r\nlocation: /claim\r\n\r\n<p>\nno\n303 https://127.0.0.1:1/claim";
        let reply = reply(text).expect("a reply");
        assert_eq!((reply.status, reply.redirect.as_str()), (303, "https://127.0.0.1:1/claim"));
        assert_eq!((reply.body.as_str(), reply.headers.lines().count()), ("<p>\nno", 2));
    }

    #[test]
    fn the_token_of_a_form_is_found() {
        let page = "<input type=\"hidden\" name=\"csrf\" value=\"abc_1\">";
        assert_eq!(csrf(page).expect("token"), "abc_1");
        assert!(csrf("<p>").is_err());
    }
}
