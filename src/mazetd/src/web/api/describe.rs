//! The OpenAPI 3.1 description, made from the operations.

use std::collections::BTreeMap;

use mazet_directory::permission::{ROLES, Scope, scope};
use mazet_model::settings::Language;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::body::Json;
use super::call::Call;
use super::door::CSRF;
use super::operation::{Operation, Shape};
use super::problem::{KINDS, Problem};
use super::{BASE, routes};
use crate::web::catalogue::Catalogue;
use crate::web::member::role_name;
use crate::web::routes::Access;

/// The description, as an object of OpenAPI 3.1.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Description(BTreeMap<String, Value>);

/// A problem (RFC 9457).
#[derive(JsonSchema)]
#[allow(dead_code, reason = "its schema alone is used")]
struct ProblemDetails {
    /// Which: `/api#<name>`. It stays the same.
    r#type: String,
    /// The same in a few words, in the language that was asked for.
    title: String,
    /// The status of the answer.
    status: u16,
    /// What happened and what to do, in that language.
    detail: String,
    /// Values that cannot be taken (`/api#invalid`).
    #[serde(default)]
    errors: Vec<FieldFault>,
}

/// A value that cannot be taken.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "its schema alone is used")]
struct FieldFault {
    /// Where it stands: a field, the dotted path of a setting, a line of a table.
    field: String,
    /// Which fault it is. It stays the same.
    code: String,
    /// What to do, in the language that was asked for.
    detail: String,
}

/// `GET /openapi.json`.
pub async fn show(call: Call) -> Result<Json<Description>, Problem> {
    let document = document(&call.caller.app.pages.catalogue);
    Ok(Json(Description(document.into_iter().collect())))
}

/// The whole document.
pub fn document(catalogue: &Catalogue) -> Map<String, Value> {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
    });
    let mut generator = settings.into_generator();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for one in routes::all() {
        let described = described(&one, catalogue, &mut generator);
        paths.entry(one.path).or_default().insert(one.method.to_owned(), described);
    }
    let problem = generator.subschema_for::<ProblemDetails>();
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Mazet",
            "version": env!("CARGO_PKG_VERSION"),
            "description": description(),
        },
        "servers": [{ "url": "/" }],
        "security": [{ "password": [] }, { "session": [], "csrf": [] }],
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "responses": { "Problem": {
                "description": "Refused, or failed (RFC 9457).",
                "content": { "application/problem+json": { "schema": problem } },
            } },
            "securitySchemes": {
                "password": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "Login, and an application password that was made for this API.",
                },
                "session": { "type": "apiKey", "in": "cookie", "name": crate::web::session::COOKIE },
                "csrf": {
                    "type": "apiKey",
                    "in": "header",
                    "name": CSRF,
                    "description": "With a session, for all but GET.",
                },
            },
        },
    });
    match document {
        Value::Object(document) => document,
        _ => Map::new(),
    }
}

fn description() -> String {
    let kinds: Vec<String> =
        KINDS.iter().map(|(_, name, status, ..)| format!("`/api#{name}` ({status})")).collect();
    format!(
        "What the box's pages do, for programs, below {BASE}. What one may not see is 404. \
         Problems are told in French or English, as Accept-Language asks; their types: {}.",
        kinds.join(", ")
    )
}

fn described(one: &Operation, catalogue: &Catalogue, generator: &mut SchemaGenerator) -> Value {
    let Shape { query, body, status, answer } = (one.shape)(generator);
    let mut described = json!({
        "operationId": one.name,
        "summary": catalogue.say(Language::En, &format!("operation.{}", one.name), &[]),
        "description": format!("For: {}.", who(one.access).join(", ")),
        "tags": [tag(one.path)],
        "parameters": parameters(one.path, query.as_value()),
        "responses": {
            status.to_string(): answered(answer),
            "default": { "$ref": "#/components/responses/Problem" },
        },
    });
    if let Some((media, schema)) = body {
        let mut content = json!({ "schema": schema });
        if let Some(example) = &one.example {
            content["example"] = example.clone();
        }
        described["requestBody"] = json!({ "required": true, "content": { media: content } });
    }
    described
}

fn answered(answer: Option<(&'static str, schemars::Schema)>) -> Value {
    match answer {
        Some((media, schema)) => {
            json!({ "description": "Done.", "content": { media: { "schema": schema } } })
        }
        None => json!({ "description": "Done, nothing to add." }),
    }
}

/// The roles that may do it somewhere, as `/api` and the description name them.
pub fn who(access: Access) -> Vec<&'static str> {
    let Access::May(action) = access else { return vec!["everybody"] };
    let may = ROLES.into_iter().filter(|role| scope(*role, action) != Scope::Nothing);
    may.map(role_name).collect()
}

/// The part of the API that a path belongs to.
pub fn tag(path: &str) -> &str {
    let rest = path.strip_prefix(BASE).unwrap_or(path).trim_start_matches('/');
    rest.split('/').next().unwrap_or_default()
}

fn parameters(path: &str, query: &Value) -> Value {
    let mut all = Vec::new();
    if path.contains("{id}") {
        let number = json!({ "type": "integer", "format": "int64" });
        all.push(json!({ "name": "id", "in": "path", "required": true, "schema": number }));
    }
    let fields = query.get("properties").and_then(Value::as_object).into_iter().flatten();
    all.extend(fields.map(|(name, schema)| {
        let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
        json!({ "name": name, "in": "query", "required": false, "description": text, "schema": schema })
    }));
    all.into()
}
