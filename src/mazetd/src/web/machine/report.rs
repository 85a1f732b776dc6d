//! Pages that services give to the operator: what stands on them comes from the service.

use axum::extract::Path;
use axum::response::Response;
use mazet_model::manifest::Text;
use mazet_model::qr;
use mazet_model::report::{Copied, Field, FieldKind, Form, Level, Line, Report, Row};
use serde_json::{Map, Value, json};

use crate::protocol::Request;
use crate::reports::{Chosen, Sent as Kept, Shown};
use crate::web::failure::Failure;
use crate::web::form::{Faults, Fields, refusal};
use crate::web::member::{Member, Sent};
use crate::web::said;

/// Which page: its service and its name.
type Named = Path<(String, String)>;

/// `GET /machine/reports/{service}/{report}`: its unit runs first, which may take some seconds.
///
/// # Errors
/// There is no such page, or the broker fails.
pub async fn show(member: Member, Path((service, name)): Named) -> Result<Response, Failure> {
    page(&member, (&service, &name), &Fields::default(), &Faults::default()).await
}

/// `POST /machine/reports/{service}/{report}/act`: fields `act` and, for a row, `row`.
///
/// # Errors
/// The broker fails.
pub async fn act(Path((service, name)): Named, Sent { member, fields }: Sent) -> Result<Response, Failure> {
    let row = Some(fields.text("row")).filter(|row| !row.is_empty());
    let chosen = Chosen { service: service.clone(), report: name.clone(), act: fields.text("act"), row };
    done(&member, (&service, &name), &Fields::default(), &Request::ActOnReport(chosen)).await
}

/// `POST /machine/reports/{service}/{report}/form`: the fields of the manifest. They are kept at once.
///
/// # Errors
/// The broker fails.
pub async fn add(Path((service, name)): Named, Sent { member, fields }: Sent) -> Result<Response, Failure> {
    let shown = found(&member, &service, &name).await?;
    let asked = shown.report.form.map(|form| form.fields).unwrap_or_default();
    let value = |field: &Field| match field.kind {
        FieldKind::Secret => fields.get(&field.name).to_owned(),
        FieldKind::Host | FieldKind::Address => fields.text(&field.name).to_lowercase(),
        FieldKind::Word => fields.text(&field.name),
    };
    let values = asked.iter().map(|field| (field.name.clone(), value(field))).collect();
    let kept = Kept { service: service.clone(), report: name.clone(), values };
    done(&member, (&service, &name), &fields, &Request::SendReport(kept)).await
}

/// Back to the page, which says that it is done, or why it is not.
async fn done(
    member: &Member,
    at: (&str, &str),
    fields: &Fields,
    order: &Request,
) -> Result<Response, Failure> {
    let path = path(at.0, at.1);
    match member.app.broker.order(order).await {
        Ok(()) => Ok(said::and_go(&path, "report.done")),
        Err(error) => {
            let faults = refusal(&member.app, member.language, error)?;
            page(&member.at(&path), at, fields, &faults).await
        }
    }
}

async fn found(member: &Member, service: &str, name: &str) -> Result<Shown, Failure> {
    member.app.broker.report(service, name).await?.ok_or(Failure::NotFound)
}

async fn page(
    member: &Member,
    at: (&str, &str),
    fields: &Fields,
    faults: &Faults,
) -> Result<Response, Failure> {
    let Shown { report, lines } = found(member, at.0, at.1).await?;
    let whole = report.acts.iter().filter(|act| act.whole);
    let data = json!({
        "path": path(at.0, at.1),
        "title": report.title.of(member.language),
        "summary": report.summary.of(member.language),
        "whole": whole.map(|act| json!({ "name": act.name, "title": act.title.of(member.language) })).collect::<Value>(),
        "sections": sections(member, &report, &lines),
        "adding": report.form.as_ref().map(|form| form_of(member, form, fields)),
    });
    member.show("machine/report", "report.title", faults, data)
}

fn path(service: &str, name: &str) -> String {
    format!("/machine/reports/{service}/{name}")
}

/// The lines, by section; what stands before the first one has no title.
fn sections(member: &Member, report: &Report, lines: &[Line]) -> Value {
    let mut sections: Vec<Map<String, Value>> = Vec::new();
    let mut rows: Vec<Vec<Value>> = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        if let (Line::Section { .. }, _) | (_, true) = (line, sections.is_empty()) {
            sections.push(heading(member, line));
            rows.push(Vec::new());
        }
        let row = match line {
            Line::Section { .. } => continue,
            Line::Row(one) => row(member, report, one, number),
            Line::Verdict { passed, title } => {
                let level = if *passed { Level::Good } else { Level::Bad };
                row(member, report, &Row { title: title.clone(), level, ..Row::default() }, number)
            }
        };
        if let Some(last) = rows.last_mut() {
            last.push(row);
        }
    }
    let numbered = sections.into_iter().zip(rows).enumerate();
    let whole = numbered.map(|(number, (mut section, rows))| {
        section.insert("number".to_owned(), number.into());
        section.insert("rows".to_owned(), rows.into());
        Value::Object(section)
    });
    whole.collect()
}

fn heading(member: &Member, line: &Line) -> Map<String, Value> {
    let mut section = Map::new();
    if let Line::Section { title, text, empty } = line {
        section.insert("title".to_owned(), title.of(member.language).into());
        section.insert("text".to_owned(), told(text.as_ref(), member).into());
        section.insert("empty".to_owned(), told(empty.as_ref(), member).into());
    }
    section
}

fn told<'t>(text: Option<&'t Text>, member: &Member) -> Option<&'t str> {
    text.map(|text| text.of(member.language))
}

fn row(member: &Member, report: &Report, row: &Row, number: usize) -> Value {
    let acts = report.acts.iter().filter(|act| row.id.is_some() && row.acts.contains(&act.name));
    let (class, mark) = match row.level {
        Level::Plain => ("", String::new()),
        Level::Good => ("good", member.say("report.good", &[])),
        Level::Bad => ("bad", member.say("report.bad", &[])),
        Level::Open => ("", member.say("report.open", &[])),
    };
    let copy = |(place, one): (usize, &Copied)| copied(member, one, &format!("copy-{number}-{place}"));
    json!({
        "id": row.id,
        "number": number,
        "title": row.title.of(member.language),
        "class": class,
        "mark": mark,
        "when": row.at.map(|at| crate::web::dates::shown(member.language, at)),
        "facts": row.facts.iter().map(|fact| fact.of(member.language)).collect::<Value>(),
        "quote": row.quote,
        "copy": row.copy.iter().enumerate().map(copy).collect::<Value>(),
        "acts": acts.map(|act| json!({ "name": act.name, "title": act.title.of(member.language) })).collect::<Value>(),
    })
}

/// A value to be copied, with a QR code where it is to have one.
fn copied(member: &Member, one: &Copied, id: &str) -> Value {
    let drawing = if one.code { qr::drawing(&one.value) } else { None };
    let qr = drawing.map(|drawing| json!({ "size": drawing.size, "path": drawing.path }));
    json!({ "id": id, "title": one.title.of(member.language), "value": one.value, "qr": qr })
}

/// The form, with what was typed; secrets are typed anew.
fn form_of(member: &Member, form: &Form, fields: &Fields) -> Value {
    let field = |field: &Field| {
        let is_secret = field.kind == FieldKind::Secret;
        json!({
            "name": field.name,
            "title": field.title.of(member.language),
            "hint": field.hint.as_ref().map(|hint| hint.of(member.language)),
            "type": if is_secret { "password" } else { "text" },
            "value": if is_secret { "" } else { fields.get(&field.name) },
        })
    };
    json!({
        "title": form.title.of(member.language),
        "text": form.text.of(member.language),
        "button": form.button.of(member.language),
        "fields": form.fields.iter().map(field).collect::<Value>(),
    })
}
