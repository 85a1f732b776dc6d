//! The few sentences of WebDriver (W3C, level 2) that the scenarios need.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};
use ureq::Agent;

/// Longer than any page load or wait that is asked for.
const PATIENCE: Duration = Duration::from_secs(400);
/// The key under which an element's reference stands (WebDriver, section 12.2).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// An open session of a driver.
#[derive(Debug)]
pub struct Session {
    agent: Agent,
    /// `http://127.0.0.1:PORT/session/ID`.
    url: String,
}

/// An element of the page that is shown.
#[derive(Debug, Clone)]
pub struct Element {
    id: String,
}

impl Session {
    /// Opens a session at the driver's `port`.
    pub fn open(port: u16, capabilities: &Value) -> Result<Self> {
        let agent: Agent =
            Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false).build().into();
        let base = format!("http://127.0.0.1:{port}/session");
        let body = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let value = send(&agent, "POST", &base, Some(&body)).context("opening a browser")?;
        let id = value["sessionId"].as_str().ok_or_else(|| anyhow!("the driver gave no session"))?;
        Ok(Self { url: format!("{base}/{id}"), agent })
    }

    /// A command with a body.
    pub fn post(&self, command: &str, body: &Value) -> Result<Value> {
        send(&self.agent, "POST", &format!("{}{command}", self.url), Some(body))
    }

    /// A question.
    pub fn get(&self, command: &str) -> Result<Value> {
        send(&self.agent, "GET", &format!("{}{command}", self.url), None)
    }

    /// Finds by XPath, waiting as long as [`Session::patience`] says.
    pub fn find(&self, xpath: &str) -> Result<Element> {
        let value = self.post("/element", &json!({ "using": "xpath", "value": xpath }))?;
        let id = value[ELEMENT].as_str().ok_or_else(|| anyhow!("the driver gave no element for {xpath}"))?;
        Ok(Element { id: id.to_owned() })
    }

    /// How long [`Session::find`] waits for an element to be there.
    pub fn patience(&self, patience: Duration) -> Result<()> {
        let implicit = u64::try_from(patience.as_millis())?;
        self.post("/timeouts", &json!({ "implicit": implicit, "pageLoad": 300_000, "script": 60_000 }))
            .map(drop)
    }

    /// Clicks.
    pub fn click(&self, element: &Element) -> Result<()> {
        self.post(&format!("/element/{}/click", element.id), &json!({})).map(drop)
    }

    /// Empties a field and types into it.
    pub fn fill(&self, element: &Element, text: &str) -> Result<()> {
        self.post(&format!("/element/{}/clear", element.id), &json!({}))?;
        self.post(&format!("/element/{}/value", element.id), &json!({ "text": text })).map(drop)
    }

    /// Chooses a file of the driver's computer in a field for files.
    pub fn choose(&self, element: &Element, file: &str) -> Result<()> {
        self.post(&format!("/element/{}/value", element.id), &json!({ "text": file })).map(drop)
    }

    /// The text that a person sees of it.
    pub fn text(&self, element: &Element) -> Result<String> {
        let value = self.get(&format!("/element/{}/text", element.id))?;
        Ok(value.as_str().unwrap_or_default().to_owned())
    }

    /// Runs JavaScript in the page and gives what it returns.
    pub fn script(&self, script: &str) -> Result<Value> {
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// The same, with an element as `arguments[0]`.
    pub fn script_on(&self, element: &Element, script: &str) -> Result<Value> {
        self.post("/execute/sync", &json!({ "script": script, "args": [{ ELEMENT: element.id }] }))
    }

    /// The same for JavaScript that is done when it calls its last argument, with what it gives.
    pub fn script_until_called(&self, script: &str) -> Result<Value> {
        self.post("/execute/async", &json!({ "script": script, "args": [] }))
    }

    /// Presses keys one after the other, as WebDriver names them (section 17.4.2).
    pub fn press(&self, keys: impl IntoIterator<Item = char>) -> Result<()> {
        let stroke = |key: char| {
            let key = key.to_string();
            [json!({ "type": "keyDown", "value": key }), json!({ "type": "keyUp", "value": key })]
        };
        let strokes: Vec<Value> = keys.into_iter().flat_map(stroke).collect();
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": strokes });
        self.post("/actions", &json!({ "actions": [keyboard] })).map(drop)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The driver is ended next anyhow.
        let _ = send(&self.agent, "DELETE", &self.url, None);
    }
}

fn send(agent: &Agent, method: &str, url: &str, body: Option<&Value>) -> Result<Value> {
    let answer = match (method, body) {
        ("POST", Some(body)) => agent.post(url).content_type("application/json").send(body.to_string()),
        ("DELETE", _) => agent.delete(url).call(),
        _ => agent.get(url).call(),
    };
    let mut answer = answer.with_context(|| format!("speaking to the browser's driver at {url}"))?;
    let text = answer.body_mut().with_config().limit(64 << 20).read_to_string()?;
    let answer: Value = serde_json::from_str(&text).with_context(|| format!("reading its answer: {text}"))?;
    let value = answer["value"].clone();
    if let Some(error) = value["error"].as_str() {
        let message = value["message"].as_str().unwrap_or_default();
        bail!("{error}: {}", message.lines().next().unwrap_or_default());
    }
    Ok(value)
}
