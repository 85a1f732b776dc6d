//! The wizard's steps. What is answered is asked no more; the broker keeps the answers, so
//! neither a reload nor another browser loses one.

pub mod association;
pub mod disks;
pub mod language;
pub mod operator;
pub mod source;
pub mod start;
pub mod summary;
pub mod wifi;

mod size;

use axum::response::{IntoResponse as _, Redirect, Response};
use mazet_model::fault::Fault;
use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::form::{Faults, Visit};
use super::install;
use super::pages::Page;
use crate::protocol::{Answers, Purpose, Request};

/// Seconds between two looks.
const REFRESH: u8 = 3;

/// A step, in the wizard's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The box's language.
    Language,
    /// A new box, or one whose data stays.
    Start,
    /// A wireless network, where there is a device for one.
    Wifi,
    /// Where the backup is that is put back.
    Source,
    /// Where to.
    Disks,
    /// Whose.
    Association,
    /// Who answers for it.
    Operator,
    /// All of it once more.
    Summary,
}

impl Step {
    /// All, in order.
    pub const ALL: [Self; 8] = [
        Self::Language,
        Self::Start,
        Self::Wifi,
        Self::Source,
        Self::Disks,
        Self::Association,
        Self::Operator,
        Self::Summary,
    ];

    /// Its page.
    pub fn path(self) -> &'static str {
        match self {
            Self::Language => "/language",
            Self::Start => "/start",
            Self::Wifi => "/wifi",
            Self::Source => "/source",
            Self::Disks => "/disks",
            Self::Association => "/association",
            Self::Operator => "/operator",
            Self::Summary => "/summary",
        }
    }

    /// Its template, and its name in the catalogue below `steps.`.
    pub fn name(self) -> &'static str {
        self.path().trim_start_matches('/')
    }

    /// The catalogue key of its title.
    fn title(self) -> &'static str {
        match self {
            Self::Language => "language.title",
            Self::Start => "start.title",
            Self::Wifi => "wifi.title",
            Self::Source => "source.title",
            Self::Disks => "disks.title",
            Self::Association => "association.title",
            Self::Operator => "operator.title",
            Self::Summary => "summary.title",
        }
    }

    /// Is it answered? The summary never is: installing is its answer.
    pub fn answered(self, answers: &Answers) -> bool {
        match self {
            _ if !self.is_asked(answers) => true,
            Self::Language => answers.language.is_some(),
            Self::Start => answers.purpose.is_some(),
            Self::Wifi => answers.wifi.is_some(),
            Self::Source => answers.backup.is_some(),
            Self::Disks => answers.disks.as_ref().is_some_and(|disks| !disks.is_empty()),
            Self::Association => {
                answers.organisation.is_some() && answers.box_name.is_some() && answers.timezone.is_some()
            }
            Self::Operator => {
                answers.operator_name.is_some()
                    && answers.operator_login.is_some()
                    && answers.operator_password.is_some()
            }
            Self::Summary => false,
        }
    }

    /// A box whose data stays, or comes back, knows all that is its own.
    fn is_asked(self, answers: &Answers) -> bool {
        match (answers.purpose, self) {
            (_, Self::Language | Self::Start | Self::Summary) => true,
            (Some(Purpose::Keep), _) | (Some(Purpose::Restore), Self::Association | Self::Operator) => false,
            (Some(Purpose::Restore), _) => true,
            (_, Self::Source) => false,
            _ => true,
        }
    }

    /// The first step without an answer.
    pub fn first_open(answers: &Answers) -> Self {
        Self::ALL.into_iter().find(|step| !step.answered(answers)).unwrap_or(Self::Summary)
    }

    fn place(self) -> usize {
        Self::ALL.iter().position(|step| *step == self).unwrap_or_default()
    }
}

/// `GET /`: where the visitor is in the wizard.
///
/// # Errors
/// The broker fails.
pub async fn root(visit: Visit) -> Result<Response, Failure> {
    if install::begun(&visit.app.broker.progress().await?) {
        return Ok(Redirect::to("/progress").into_response());
    }
    let answers = visit.app.broker.answers().await?;
    Ok(Redirect::to(Step::first_open(&answers).path()).into_response())
}

/// Who comes to a step's page: they may be there, or belong elsewhere.
pub enum Entry {
    /// They may; the answers so far.
    Here(Box<Answers>),
    /// They go there.
    Elsewhere(Response),
}

/// May the visitor see this step yet, and still?
///
/// # Errors
/// The broker fails.
pub async fn enter(visit: &Visit, step: Step) -> Result<Entry, Failure> {
    if install::binding(&visit.app.broker.progress().await?) {
        return Ok(Entry::Elsewhere(Redirect::to("/progress").into_response()));
    }
    let answers = visit.app.broker.answers().await?;
    let _ = visit.notices.set(visit.app.broker.notices().await?);
    let open = Step::first_open(&answers);
    if open.place() < step.place() {
        return Ok(Entry::Elsewhere(Redirect::to(open.path()).into_response()));
    }
    Ok(Entry::Here(Box::new(answers)))
}

/// Keep the answers. What the broker refuses comes back as faults.
///
/// # Errors
/// The broker fails.
pub async fn keep(visit: &Visit, answers: Answers) -> Result<Faults, Failure> {
    match visit.app.broker.order(&Request::SaveAnswers { answers: Box::new(answers) }).await {
        Ok(()) => Ok(Faults::default()),
        Err(error) => visit.refusal(error),
    }
}

/// On to the first step without an answer.
pub fn onward() -> Response {
    Redirect::to("/").into_response()
}

/// A step's page.
///
/// `form` holds what its inputs show, by input id; `more` what else the template wants.
///
/// # Errors
/// The page cannot be rendered.
pub fn page(
    visit: &Visit,
    step: Step,
    answers: &Answers,
    form: &Value,
    faults: &Faults,
    more: Value,
) -> Result<Response, Failure> {
    let fault: Map<String, Value> = form
        .as_object()
        .into_iter()
        .flat_map(Map::keys)
        .map(|field| (field.clone(), faults.of(field).into()))
        .collect();
    let mut data = json!({
        "csrf": visit.csrf.as_str(),
        "steps": indicator(visit, step, answers),
        "notices": notices(visit),
        "number": shown(visit, answers).position(|one| one == step).unwrap_or_default() + 1,
        "count": shown(visit, answers).count(),
        "complete": Step::first_open(answers) == Step::Summary,
        "form": form,
        "fault": fault,
        "faults": faults.list(),
    });
    if let (Some(data), Value::Object(more)) = (data.as_object_mut(), more) {
        data.extend(more);
    }
    let mut page = Page::new(step.name(), step.title(), step.path(), data);
    // Somebody is looking for the answer.
    page.refresh = page.data["looking"].as_bool().filter(|looking| *looking).map(|_| REFRESH);
    visit.page(faults.status(), &page)
}

/// What the visitor should know: mistakes in the answers given in advance.
fn notices(visit: &Visit) -> Value {
    let known = visit.notices.get().cloned().unwrap_or_default();
    let show = |fault: &Fault| {
        let caret = " ".repeat(fault.column - 1) + &"^".repeat(fault.length);
        json!({
            "line": fault.line,
            "column": fault.column,
            "text": fault.text.replace('\t', " "),
            "caret": caret,
            "message": fault.message,
            "hint": fault.hint,
        })
    };
    json!({ "clock_unset": known.clock_unset, "faults": known.faults.iter().map(show).collect::<Value>() })
}

/// The list of steps: done ones are links, the current one is marked.
fn indicator(visit: &Visit, current: Step, answers: &Answers) -> Value {
    let show = |step: Step| {
        let reachable = step.place() <= Step::first_open(answers).place();
        json!({
            "path": step.path(),
            "title": visit.say(&format!("steps.{}", step.name()), &[]),
            "current": step == current,
            "done": step.answered(answers),
            "link": reachable && step != current,
        })
    };
    shown(visit, answers).map(show).collect()
}

/// The steps that there are: without a wireless device there is nothing to ask about one.
fn shown<'a>(visit: &Visit, answers: &'a Answers) -> impl Iterator<Item = Step> + use<'a> {
    let wireless = visit.notices.get().is_some_and(|notices| notices.wireless);
    let there = move |step: &Step| wireless || *step != Step::Wifi;
    Step::ALL.into_iter().filter(there).filter(|step| step.is_asked(answers))
}
