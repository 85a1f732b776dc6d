//! Services of which one must be chosen: the figures measured on this machine, how common each is in
//! the world, and the choice.

use axum::extract::Path;
use axum::response::{IntoResponse as _, Redirect, Response};
use mazet_model::manifest::Usage;
use serde_json::{Value, json};

use super::{change, current};
use crate::acts::machine::{Switches, switched};
use crate::measure::desk::{Candidate, Comparison};
use crate::measure::{Figures, Measured, Report};
use crate::protocol::Request;
use crate::web::failure::Failure;
use crate::web::form::{Faults, Fields};
use crate::web::member::{Member, Sent};
use crate::web::pages::Page;
use crate::web::{dates, navigation, numbers};

/// Seconds until the page of a measurement under way looks again.
const LOOK_AGAIN: u8 = 3;

/// `GET /machine/{name}`, the word that the services have in `alternative`.
///
/// # Errors
/// There is no such choice, or the broker fails.
pub async fn show(Path(group): Path<String>, member: Member) -> Result<Response, Failure> {
    let comparison = comparison(&member, &group).await?;
    page(&member, &group, &comparison, &Faults::default())
}

/// `POST /machine/{name}`: a field `choice-<name>` with the name of one service.
///
/// # Errors
/// There is no such choice, or the broker fails.
pub async fn save(Path(group): Path<String>, sent: Sent) -> Result<Response, Failure> {
    let Sent { member, fields } = sent;
    let comparison = comparison(&member, &group).await?;
    let current = current(&member).await?;
    // No form of ours names a service that there is not.
    let wished = switched(&current, &chosen(&group, &fields)).map_err(|_| Failure::Bad)?;
    match change::preview(&member, wished, &current.version, &format!("/machine/{group}")).await? {
        Ok(page) => Ok(page),
        Err(faults) => page(&member, &group, &comparison, &faults),
    }
}

fn chosen(group: &str, fields: &Fields) -> Switches {
    let name = fields.text(&format!("choice-{group}"));
    let one = (!name.is_empty()).then(|| (group.to_owned(), name));
    Switches { alternatives: one.into_iter().collect(), ..Switches::default() }
}

/// `POST /machine/{name}/measure`.
///
/// # Errors
/// There is no such choice, or the broker fails.
pub async fn measure(Path(group): Path<String>, sent: Sent) -> Result<Response, Failure> {
    let member = sent.member;
    comparison(&member, &group).await?;
    member.app.broker.order(&Request::Measure).await?;
    Ok(Redirect::to(&format!("/machine/{group}")).into_response())
}

async fn comparison(member: &Member, group: &str) -> Result<Comparison, Failure> {
    let comparison = member.app.broker.comparison(group).await?;
    if comparison.candidates.is_empty() { Err(Failure::NotFound) } else { Ok(comparison) }
}

fn page(member: &Member, group: &str, comparison: &Comparison, faults: &Faults) -> Result<Response, Failure> {
    let standing = &comparison.standing;
    let here = format!("/machine/{group}");
    let data = json!({
        "csrf": member.csrf.as_str(),
        "faults": faults.list(),
        "said": member.said,
        "group": group,
        "title": super::group_title(member, group),
        "candidates": comparison.candidates.iter().map(|one| candidate(member, one)).collect::<Value>(),
        "measured": comparison.report.as_ref().map(|report| measured(member, report, &comparison.candidates)),
        "measurable": comparison.candidates.iter().any(|one| one.measurable),
        "running": standing.running,
        "percent": standing.progress.percent,
        "now": now(member, comparison),
        "error": standing.error,
    });
    let page = Page {
        refresh: standing.running.then_some(LOOK_AGAIN),
        script: standing.running,
        menu: navigation::menu(&member.at(&here)),
        ..Page::new("machine/choice", "machine.choice", &here, data)
    };
    Ok(member.app.pages.response(member.language, faults.status(), &page)?)
}

fn candidate(member: &Member, one: &Candidate) -> Value {
    json!({
        "name": one.name,
        "title": one.title.of(member.language),
        "summary": one.summary.of(member.language),
        "on": one.on,
        "usage": one.usage.as_ref().map(|usage| share(member, usage)),
    })
}

/// "20,7 % des sites actifs", and who counted when.
fn share(member: &Member, usage: &Usage) -> Value {
    let percent = numbers::written(member.language, &usage.percent);
    json!({
        "share": member.say("machine.share", &[("percent", &percent), ("of", usage.of.of(member.language))]),
        "source": member.say("machine.share_source", &[("source", &usage.source), ("date", &usage.date)]),
        "url": usage.url,
    })
}

/// What is measured at this moment.
fn now(member: &Member, comparison: &Comparison) -> String {
    let progress = &comparison.standing.progress;
    let service = comparison.candidates.iter().find(|one| one.name == progress.service);
    let Some(service) = service else { return member.say("machine.measure_begins", &[]) };
    let task = if progress.task.is_empty() { "start" } else { &progress.task };
    let task = task_title(member, task);
    member.say("machine.measure_now", &[("service", service.title.of(member.language)), ("task", &task)])
}

fn task_title(member: &Member, task: &str) -> String {
    let key = format!("task.{task}");
    let known = member.app.pages.catalogue.get(member.language, &key).is_some();
    if known { member.say(&key, &[]) } else { task.to_owned() }
}

/// The figures as a table: a column a service, in the order of `candidates`; a part a task.
fn measured(member: &Member, report: &Report, candidates: &[Candidate]) -> Value {
    let columns: Vec<(&Candidate, &Measured)> = candidates
        .iter()
        .filter_map(|one| Some((one, report.services.iter().find(|service| service.service == one.name)?)))
        .collect();
    let mut tasks: Vec<&str> = Vec::new();
    for task in columns.iter().flat_map(|(_, service)| &service.tasks) {
        if !tasks.contains(&task.name.as_str()) {
            tasks.push(&task.name);
        }
    }
    let services: Vec<&Measured> = columns.iter().map(|(_, service)| *service).collect();
    let mut parts: Vec<Value> = tasks.iter().map(|task| of_task(member, task, &services)).collect();
    parts.push(of_memory(member, &services));
    let seconds = i64::try_from(report.measured).unwrap_or_default();
    let machine = format!("{} × {}", report.processors, report.processor);
    let date = dates::shown(member.language, seconds);
    let (clients, length) = (report.clients.to_string(), report.seconds.to_string());
    let values = [
        ("date", date.as_str()),
        ("clients", clients.as_str()),
        ("seconds", length.as_str()),
        ("machine", machine.as_str()),
    ];
    json!({
        "services": columns.iter().map(|(one, _)| one.title.of(member.language)).collect::<Vec<_>>(),
        "columns": columns.len() + 1,
        "parts": parts,
        "when": member.say("machine.measured_when", &values),
    })
}

fn of_task(member: &Member, task: &str, services: &[&Measured]) -> Value {
    let number = |value: f64, digits| numbers::decimal(member.language, value, digits);
    let row = |title: &str, cell: &dyn Fn(&Figures) -> String| {
        let cells: Vec<String> = services
            .iter()
            .map(|service| service.tasks.iter().find(|one| one.name == task))
            .map(|found| found.map_or_else(|| "–".to_owned(), |one| cell(&one.figures)))
            .collect();
        json!({ "title": title, "cells": cells })
    };
    let latency = |value: Option<f64>| match value {
        Some(value) => format!("{} ms", number(value, 1)),
        None => member.say("machine.too_few", &[]),
    };
    let mut rows = vec![
        row(&member.say("machine.rate", &[]), &|figures| number(figures.requests_per_second, 0)),
        row(&member.say("machine.median", &[]), &|figures| latency(figures.median_ms)),
        row(&member.say("machine.p95", &[]), &|figures| latency(figures.p95_ms)),
    ];
    let failed =
        |service: &&Measured| service.tasks.iter().any(|one| one.name == task && one.figures.failed > 0);
    if services.iter().any(failed) {
        rows.push(row(&member.say("machine.unanswered", &[]), &|figures| figures.failed.to_string()));
    }
    json!({ "title": task_title(member, task), "rows": rows })
}

fn of_memory(member: &Member, services: &[&Measured]) -> Value {
    let row = |key: &str, kib: &dyn Fn(&Measured) -> u64| {
        let mebibytes = |service: &&Measured| {
            // A mantissa of 52 bits holds every size of a memory.
            let value = kib(service) as f64 / 1024.0;
            format!(
                "{} {}",
                numbers::decimal(member.language, value, 1),
                member.say("machine.mebibytes", &[])
            )
        };
        json!({ "title": member.say(key, &[]), "cells": services.iter().map(mebibytes).collect::<Vec<_>>() })
    };
    let rows =
        vec![row("machine.idle", &|service| service.idle_kib), row("machine.loaded", &|one| one.loaded_kib)];
    json!({ "title": member.say("machine.memory", &[]), "rows": rows })
}
