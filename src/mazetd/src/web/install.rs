//! Installing: start it, watch it, restart the machine.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde_json::{Value, json};

use super::failure::Failure;
use super::form::{Posted, Visit};
use super::pages::Page;
use super::steps::{self, Step};
use crate::protocol::{Progress, Purpose, Request, Stage};

/// Stages that the catalogue has a name for.
const STAGES: [&str; 6] = ["partition", "format", "unpack", "boot", "settings", "check"];
/// Seconds between two looks, for browsers without JavaScript.
const REFRESH: u8 = 3;

/// Was an installation asked for?
pub fn begun(progress: &Progress) -> bool {
    progress.finished || progress.error.is_some() || !progress.stages.is_empty()
}

/// Is it running or over, so that no answer may change any more?
pub fn binding(progress: &Progress) -> bool {
    begun(progress) && progress.error.is_none()
}

/// `POST /install`.
///
/// # Errors
/// The broker fails.
pub async fn begin(posted: Posted) -> Result<Response, Failure> {
    let visit = posted.visit;
    let answers = visit.app.broker.answers().await?;
    let open = Step::first_open(&answers);
    if open != Step::Summary {
        return Ok(Redirect::to(open.path()).into_response());
    }
    if binding(&visit.app.broker.progress().await?) {
        return Ok(Redirect::to("/progress").into_response());
    }
    match visit.app.broker.order(&Request::Install).await {
        Ok(()) => Ok(Redirect::to("/progress").into_response()),
        Err(error) => {
            let faults = visit.refusal(error)?;
            steps::summary::page(&visit, &answers, faults).await
        }
    }
}

/// `GET /progress`: running, failed or finished.
///
/// # Errors
/// The broker fails.
pub async fn show(visit: Visit) -> Result<Response, Failure> {
    let progress = visit.app.broker.progress().await?;
    if !begun(&progress) {
        return Ok(Redirect::to("/").into_response());
    }
    let csrf = visit.csrf.as_str();
    let page = if let Some(error) = &progress.error {
        let data = json!({ "csrf": csrf, "detail": error, "stages": stages(&visit, &progress) });
        Page::new("failed", "failed.title", "/progress", data)
    } else if progress.finished {
        let answers = visit.app.broker.answers().await?;
        let keeps_medium = steps::disks::keeps_medium(&visit, &answers).await;
        let data = json!({ "csrf": csrf, "keeps_medium": keeps_medium });
        Page::new("finished", "finished.title", "/progress", data)
    } else {
        let data = overview(&visit, &progress);
        Page {
            refresh: Some(REFRESH),
            script: true,
            ..Page::new("progress", "progress.title", "/progress", data)
        }
    };
    visit.page(StatusCode::OK, &page)
}

/// `GET /progress.json`: what the script draws, texts included.
///
/// # Errors
/// The broker fails.
pub async fn json(visit: Visit) -> Result<Response, Failure> {
    let progress = visit.app.broker.progress().await?;
    let over = !begun(&progress) || progress.finished || progress.error.is_some();
    let mut data = overview(&visit, &progress);
    data["over"] = over.into();
    Ok(([(header::CONTENT_TYPE, "application/json")], data.to_string()).into_response())
}

/// `POST /reboot`: the answer is the page that waits for the installed box.
///
/// # Errors
/// The broker fails; where it refuses, the visitor goes back to the progress.
pub async fn reboot(posted: Posted) -> Result<Response, Failure> {
    let visit = posted.visit;
    let answers = visit.app.broker.answers().await?;
    let progress = visit.app.broker.progress().await?;
    if !progress.finished {
        return Ok(Redirect::to("/progress").into_response());
    }
    let keeps_medium = steps::disks::keeps_medium(&visit, &answers).await;
    visit.app.broker.order(&Request::Reboot).await?;
    let of_backup =
        answers.backup.filter(|_| answers.purpose == Some(Purpose::Restore)).map(|backup| backup.r#box);
    let name = answers.kept.map(|kept| kept.name).or(of_backup).or(answers.box_name).unwrap_or_default();
    let data = json!({ "address": format!("https://{name}.local/"), "keeps_medium": keeps_medium });
    let page = Page { script: true, ..Page::new("waiting", "waiting.title", "/progress", data) };
    visit.page(StatusCode::OK, &page)
}

/// The whole installation, as the page and the script show it.
fn overview(visit: &Visit, progress: &Progress) -> Value {
    let percent = overall(&progress.stages);
    let current = progress.stages.iter().find(|stage| !stage.done).or(progress.stages.last());
    let live = match current {
        Some(stage) => {
            let values = [("percent", percent.to_string()), ("stage", title(visit, stage))];
            visit.say("progress.live", &values.each_ref().map(|(name, value)| (*name, value.as_str())))
        }
        None => visit.say("progress.starting", &[]),
    };
    json!({ "percent": percent, "live": live, "stages": stages(visit, progress) })
}

fn stages(visit: &Visit, progress: &Progress) -> Value {
    let current = progress.stages.iter().position(|stage| !stage.done);
    let show = |(index, stage): (usize, &Stage)| {
        let state = match stage.done {
            true => "done",
            false if Some(index) == current => "running",
            false => "waiting",
        };
        json!({
            "name": stage.name,
            "title": title(visit, stage),
            "percent": if stage.done { 100 } else { stage.percent.min(100) },
            "state": state,
            "state_text": visit.say(&format!("progress.stage_{state}"), &[]),
        })
    };
    progress.stages.iter().enumerate().map(show).collect()
}

fn title(visit: &Visit, stage: &Stage) -> String {
    let name = if STAGES.contains(&stage.name.as_str()) { stage.name.as_str() } else { "other" };
    visit.say(&format!("install.stage.{name}"), &[])
}

/// The mean of all stages, 0–100.
fn overall(stages: &[Stage]) -> u32 {
    let count = u32::try_from(stages.len()).unwrap_or(u32::MAX).max(1);
    stages.iter().map(|stage| if stage.done { 100 } else { u32::from(stage.percent.min(100)) }).sum::<u32>()
        / count
}
