//! Headless Chromium, as a volunteer's phone or desktop computer.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mazet_boot::guard::Guarded;
use serde_json::{Value, json};

use crate::keyboard;
use crate::lab::Bench;
use crate::webdriver::Session;

/// How long an element may take to appear: an emulated box answers slowly.
const PATIENCE: Duration = Duration::from_secs(180);
/// How many characters of a page an error holds.
const SHOWN: usize = 400;

/// Asks axe-core for what it finds: rule, impact and places.
const AXE: &str = r"
    const done = arguments[arguments.length - 1];
    const places = nodes => nodes.map(node => node.html.slice(0, 200) + ' ' + node.failureSummary);
    axe.run(document, { resultTypes: ['violations'] })
        .then(result => result.violations.map(one => [one.id, one.impact, ...places(one.nodes)]))
        .then(done, error => done(String(error)));";

/// A screen and the language that its owner reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// Width in CSS pixels.
    pub width: u32,
    /// Height in CSS pixels.
    pub height: u32,
    /// As on a phone: touch, a viewport of its own.
    pub phone: bool,
    /// Languages as a browser sends them: `fr-FR,fr`.
    pub languages: &'static str,
    /// No pointer: everything is done with keys.
    pub keyboard: bool,
}

/// A phone whose owner reads French.
pub const FRENCH_PHONE: Screen =
    Screen { width: 390, height: 844, phone: true, languages: "fr-FR,fr", keyboard: false };
/// A desktop computer whose owner reads English.
pub const ENGLISH_DESKTOP: Screen =
    Screen { width: 1280, height: 800, phone: false, languages: "en-GB,en", keyboard: false };
/// The narrowest screen that pages must fit (WCAG 2.2, 1.4.10), of somebody who has no pointer.
pub const FRENCH_KEYBOARD: Screen =
    Screen { width: 320, height: 640, phone: true, languages: "fr-FR,fr", keyboard: true };

/// A browser with one window.
#[derive(Debug)]
pub struct Browser {
    session: Session,
    pictures: PathBuf,
    screen: Screen,
    axe: Arc<str>,
    // After the session: the driver must still be there to close it.
    _driver: Guarded,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Opens a browser; its pictures go to `pictures/` in the scenario's folder.
    pub fn open(bench: &Bench, screen: Screen) -> Result<Self> {
        Self::open_knowing(bench, screen, &[])
    }

    /// One that finds these hosts (name and port) at ports of this machine.
    pub fn open_knowing(bench: &Bench, screen: Screen, hosts: &[(String, u16)]) -> Result<Self> {
        let axe = bench.lab.axe.clone().context("no axe-core was given for a browser (--axe)")?;
        let pictures = bench.path("pictures");
        fs::create_dir_all(&pictures)?;
        let profile = tempfile::Builder::new().prefix("mazet-browser-").tempdir()?;
        let (driver, port) = driver(bench, profile.path())?;
        let session = Session::open(port, &capabilities(screen, profile.path(), hosts))?;
        session.patience(PATIENCE)?;
        if !screen.phone {
            let size = json!({ "width": screen.width, "height": screen.height });
            session.post("/window/rect", &size)?;
        }
        Ok(Self { session, pictures, screen, axe, _driver: driver, _profile: profile })
    }

    /// Opens an address.
    pub fn go(&self, url: &str) -> Result<()> {
        self.session.post("/url", &json!({ "url": url })).map(drop).with_context(|| format!("opening {url}"))
    }

    /// The address that is shown.
    pub fn address(&self) -> Result<String> {
        Ok(self.session.get("/url")?.as_str().unwrap_or_default().to_owned())
    }

    /// Waits until an element is there.
    pub fn wait_for(&self, xpath: &str) -> Result<()> {
        self.session.find(xpath).map(drop).with_context(|| self.place(xpath))
    }

    /// Waits as long as `patience` for an element.
    pub fn wait_long_for(&self, xpath: &str, patience: Duration) -> Result<()> {
        let turns = patience.as_secs() / PATIENCE.as_secs() + 1;
        let mut last = Ok(());
        for _ in 0..turns {
            last = self.wait_for(xpath);
            if last.is_ok() {
                break;
            }
        }
        last
    }

    /// Clicks on an element.
    pub fn click(&self, xpath: &str) -> Result<()> {
        let element = self.session.find(xpath).with_context(|| self.place(xpath))?;
        let click = if self.screen.keyboard { keyboard::activate } else { Session::click };
        click(&self.session, &element).with_context(|| format!("clicking on {xpath}"))
    }

    /// Types into a field.
    pub fn fill(&self, xpath: &str, text: &str) -> Result<()> {
        let element = self.session.find(xpath).with_context(|| self.place(xpath))?;
        let fill = if self.screen.keyboard { keyboard::fill } else { Session::fill };
        fill(&self.session, &element, text).with_context(|| format!("typing into {xpath}"))
    }

    /// Chooses a file in a field for files.
    pub fn choose(&self, xpath: &str, file: &Path) -> Result<()> {
        let element = self.session.find(xpath).with_context(|| self.place(xpath))?;
        self.session
            .choose(&element, &file.display().to_string())
            .with_context(|| format!("choosing in {xpath}"))
    }

    /// The visible text of an element.
    pub fn text(&self, xpath: &str) -> Result<String> {
        let element = self.session.find(xpath).with_context(|| self.place(xpath))?;
        self.session.text(&element)
    }

    /// Drops a file of this computer in the middle of the window, as from a window beside it.
    pub fn drop_file(&self, file: &Path) -> Result<()> {
        let data = json!({ "items": [], "files": [file.display().to_string()], "dragOperationsMask": 1 });
        for step in ["dragEnter", "dragOver", "drop"] {
            let (x, y) = (self.screen.width / 2, self.screen.height / 3);
            let params = json!({ "type": step, "x": x, "y": y, "data": data });
            let command = json!({ "cmd": "Input.dispatchDragEvent", "params": params });
            self.session.post("/goog/cdp/execute", &command).with_context(|| format!("{step} of a file"))?;
        }
        Ok(())
    }

    /// Waits until a picture is drawn.
    pub fn shows_picture(&self, selector: &str) -> Result<()> {
        let drawn = self.session.script_until_called(&format!(
            "const done = arguments[arguments.length - 1]; \
             const picture = document.querySelector({}); picture.loading = 'eager'; \
             picture.decode().then(() => done(picture.naturalWidth), error => done(String(error)));",
            json!(selector)
        ))?;
        ensure!(drawn.as_u64().is_some_and(|width| width > 0), "{selector} shows no picture: {drawn}");
        Ok(())
    }

    /// What a script of the page calls `arguments[arguments.length - 1]` with: a text.
    pub fn answer_of(&self, script: &str) -> Result<String> {
        let answer = self.session.script_until_called(script)?;
        answer.as_str().map(str::to_owned).with_context(|| format!("the script answers {answer}"))
    }

    /// The text of the first element for a CSS selector, shown or folded away, if it is there now.
    pub fn text_now(&self, selector: &str) -> Result<Option<String>> {
        let script = format!("return document.querySelector('{selector}')?.textContent ?? null;");
        Ok(self.session.script(&script)?.as_str().map(str::to_owned))
    }

    /// How many elements there are now for a CSS selector.
    pub fn count(&self, selector: &str) -> Result<usize> {
        let script = format!("return document.querySelectorAll('{selector}').length;");
        Ok(usize::try_from(self.session.script(&script)?.as_u64().unwrap_or_default())?)
    }

    /// The texts of all elements that there are now for an XPath, in the page's order.
    pub fn texts_at(&self, xpath: &str) -> Result<Vec<String>> {
        let script = format!(
            "const all = document.evaluate({}, document, null, XPathResult.ORDERED_NODE_SNAPSHOT_TYPE, null); \
             return Array.from({{length: all.snapshotLength}}, (_, at) => all.snapshotItem(at).innerText);",
            json!(xpath)
        );
        Ok(serde_json::from_value(self.session.script(&script)?)?)
    }

    /// The visible texts of all elements that there are now for a CSS selector, in the page's order.
    pub fn texts(&self, selector: &str) -> Result<Vec<String>> {
        let script =
            format!("return [...document.querySelectorAll('{selector}')].map(one => one.innerText.trim());");
        Ok(serde_json::from_value(self.session.script(&script)?)?)
    }

    /// What the first field for a CSS selector holds now; empty where there is none.
    pub fn value_now(&self, selector: &str) -> Result<String> {
        let script = format!("return document.querySelector('{selector}')?.value ?? '';");
        Ok(self.session.script(&script)?.as_str().unwrap_or_default().to_owned())
    }

    /// What the page's links lead to on its own site: without files, other languages, and the pages of services.
    pub fn links(&self) -> Result<Vec<String>> {
        let script = "return [...document.links].filter(link => link.origin === location.origin && \
             !link.hasAttribute('download') && !link.hreflang && \
             !link.closest('#services, #sites')).map(link => link.pathname + link.search);";
        Ok(serde_json::from_value(self.session.script(script)?)?)
    }

    /// Sees that everything on the page can be reached without a pointer.
    pub fn keyboard_suffices(&self, name: &str) -> Result<()> {
        keyboard::reaches_everything(&self.session).with_context(|| format!("{name}, by keyboard alone"))
    }

    /// Keeps the whole page as a picture and sees that it fits the screen's width, is in
    /// the language `language`, that the browser had nothing to complain about (a
    /// broken content policy, a missing file), and that axe-core finds nothing that keeps
    /// somebody from using it.
    pub fn page_is_well(&self, name: &str, language: &str) -> Result<()> {
        let shot = json!({
            "cmd": "Page.captureScreenshot",
            "params": { "format": "png", "captureBeyondViewport": true },
        });
        let picture = self.session.post("/goog/cdp/execute", &shot)?;
        let bytes = STANDARD.decode(picture["data"].as_str().unwrap_or_default())?;
        fs::write(self.pictures.join(format!("{name}.png")), bytes)?;
        let seen = self.session.script(
            "const page = document.documentElement; \
             return [page.lang, page.scrollWidth, window.innerWidth];",
        )?;
        ensure!(seen[0] == language, "{name} is in {} where {language} was expected", seen[0]);
        let (width, screen) = (seen[1].as_u64().unwrap_or(u64::MAX), u64::from(self.screen.width));
        ensure!(width <= screen, "{name} is {width} pixels wide on a screen of {screen}");
        self.nothing_complained(name)?;
        self.nobody_is_kept_out(name)
    }

    /// All that axe-core checks by itself, serious or not.
    fn nobody_is_kept_out(&self, name: &str) -> Result<()> {
        if self.session.script("return typeof axe;")? != "object" {
            self.session.script(&self.axe)?;
        }
        let found = self.session.script_until_called(AXE).with_context(|| format!("axe-core at {name}"))?;
        let found = found.as_array().with_context(|| format!("axe-core says of {name}: {found}"))?;
        let lines: Vec<String> = found.iter().map(|finding| format!("\n  {finding}")).collect();
        ensure!(found.is_empty(), "axe-core finds at {name}:{}", lines.concat());
        Ok(())
    }

    /// Forgets what the browser complained of so far: while the web server itself is exchanged, a page that
    /// asks how far that is meets nobody.
    pub fn forget_complaints(&self) -> Result<()> {
        self.session.post("/se/log", &json!({ "type": "browser" })).map(drop)
    }

    fn nothing_complained(&self, name: &str) -> Result<()> {
        let log = self.session.post("/se/log", &json!({ "type": "browser" }))?;
        let severe: Vec<&str> = log
            .as_array()
            .into_iter()
            .flatten()
            .filter(|entry| entry["level"] == "SEVERE")
            .filter_map(|entry| entry["message"].as_str())
            // A form that comes back with its faults is what was wanted.
            .filter(|message| !message.contains("with a status of 422"))
            .collect();
        ensure!(severe.is_empty(), "the browser complains at {name}:\n{}", severe.join("\n"));
        Ok(())
    }

    /// What was looked for, what stands there instead, and the picture of it.
    fn place(&self, xpath: &str) -> String {
        let file = self.pictures.join("missing.png");
        let picture = self.session.get("/screenshot").ok();
        let bytes = picture.and_then(|value| STANDARD.decode(value.as_str()?).ok());
        if let Some(bytes) = bytes {
            // The error that is being made is the one to show.
            let _ = fs::write(&file, bytes);
        }
        let address = self.address().unwrap_or_default();
        let shown = self.session.script("return document.body?.innerText ?? '';").ok();
        let shown: String =
            shown.as_ref().and_then(|text| text.as_str()).unwrap_or_default().chars().take(SHOWN).collect();
        format!("looking for {xpath} on {address}, which shows {shown:?} (picture: {})", file.display())
    }
}

/// Starts the driver on a port of its own choice.
fn driver(bench: &Bench, profile: &Path) -> Result<(Guarded, u16)> {
    let mut command = bench.lab.test_tree.command("chromedriver");
    let log = bench.path("chromedriver.log");
    command.args(["--port=0", &format!("--log-path={}", log.display())]);
    command.env("HOME", profile).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut driver = Guarded::spawn(&mut command)?;
    let output = driver.take_stdout().ok_or_else(|| anyhow!("chromedriver has no output"))?;
    let mut lines = BufReader::new(output).lines().map_while(Result::ok);
    let port = lines.find_map(|line| port(&line));
    // A full pipe would stop it.
    thread::spawn(move || lines.for_each(drop));
    let port = port.ok_or_else(|| anyhow!("chromedriver did not start; its log: {}", log.display()))?;
    Ok((driver, port))
}

/// The port in "ChromeDriver was started successfully on port 41234."
fn port(line: &str) -> Option<u16> {
    let after = line.split_once("started successfully on port ")?.1;
    after.trim().trim_end_matches('.').parse().ok()
}

fn capabilities(screen: Screen, profile: &Path, hosts: &[(String, u16)]) -> Value {
    let mut arguments: Vec<String> = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-proxy-server",
        // A tree may have no /etc/hosts, and so no `localhost` to meet the driver at.
        "--remote-debugging-pipe",
    ]
    .map(str::to_owned)
    .to_vec();
    let language = screen.languages.split(',').next().unwrap_or_default();
    arguments.push(format!("--lang={language}"));
    arguments.push(format!("--user-data-dir={}", profile.join("profile").display()));
    let rules: Vec<String> =
        hosts.iter().map(|(host, port)| format!("MAP {host} 127.0.0.1:{port}")).collect();
    if !rules.is_empty() {
        arguments.push(format!("--host-resolver-rules={}", rules.join(",")));
    }
    arguments.push(format!("--window-size={},{}", screen.width, screen.height));
    let mut options = json!({
        "args": arguments,
        "prefs": { "intl.accept_languages": screen.languages, "intl.selected_languages": screen.languages },
    });
    if screen.phone {
        let metrics =
            json!({ "width": screen.width, "height": screen.height, "pixelRatio": 2.0, "touch": true });
        options["mobileEmulation"] = json!({ "deviceMetrics": metrics });
    }
    json!({
        "browserName": "chrome",
        // The box makes its own certificate.
        "acceptInsecureCerts": true,
        "goog:chromeOptions": options,
        "goog:loggingPrefs": { "browser": "ALL" },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drivers_port_is_read() {
        assert_eq!(port("ChromeDriver was started successfully on port 41234."), Some(41234));
        assert_eq!(port("Starting ChromeDriver 150.0 on port 0"), None);
    }
}
