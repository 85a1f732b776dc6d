//! What is read of a request's body, and what is given.

use axum::body::Bytes;
use axum::extract::{FromRequest as _, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::problem::{Kind, Problem};
use crate::acts::Wrong;

const JSON: &str = "application/json";
const CSV: &str = "text/csv";

/// What a handler reads.
pub trait Body: Sized + Send + 'static {
    /// Its media type; none: no body.
    const MEDIA: Option<&'static str>;

    /// Its schema.
    fn schema(generator: &mut SchemaGenerator) -> Schema;

    /// Reads it.
    ///
    /// # Errors
    /// It is not of its form: all of its faults.
    fn read(bytes: &[u8]) -> Result<Self, Problem>;
}

/// What a handler gives.
pub trait Answer: Send + 'static {
    /// The status that says so.
    const STATUS: StatusCode;
    /// Its media type; none: no body.
    const MEDIA: Option<&'static str>;

    /// Its schema.
    fn schema(generator: &mut SchemaGenerator) -> Schema;

    /// As it is sent.
    ///
    /// # Errors
    /// The program is at fault.
    fn response(self) -> Result<Response, Problem>;
}

/// No body.
#[derive(Debug, Default)]
pub struct Empty;

/// JSON: read strictly, given with 200.
#[derive(Debug)]
pub struct Json<T>(pub T);

/// JSON of something that was made: 201.
#[derive(Debug)]
pub struct Made<T>(pub T);

/// JSON about something that was ordered and is under way: 202.
#[derive(Debug)]
pub struct Ordered<T>(pub T);

/// Done, nothing to add: 204.
#[derive(Debug)]
pub struct Done;

/// A table in CSV (RFC 4180).
#[derive(Debug)]
pub struct Table(pub Vec<u8>);

impl Body for Empty {
    const MEDIA: Option<&'static str> = None;

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<()>()
    }

    fn read(bytes: &[u8]) -> Result<Self, Problem> {
        if bytes.is_empty() { Ok(Self) } else { Err(Problem::with(Kind::Malformed, "problem.no_body", &[])) }
    }
}

impl<T: DeserializeOwned + JsonSchema + Send + 'static> Body for Json<T> {
    const MEDIA: Option<&'static str> = Some(JSON);

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }

    fn read(bytes: &[u8]) -> Result<Self, Problem> {
        let mut json = serde_json::Deserializer::from_slice(bytes);
        match serde_path_to_error::deserialize(&mut json) {
            Ok(value) => json.end().map(|()| Self(value)).map_err(|error| malformed(&error)),
            Err(error) if error.inner().is_data() => {
                Err(Problem::invalid(shape::<T>(bytes, &error.path().to_string())))
            }
            Err(error) => Err(malformed(error.inner())),
        }
    }
}

impl Body for Table {
    const MEDIA: Option<&'static str> = Some(CSV);

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<String>()
    }

    fn read(bytes: &[u8]) -> Result<Self, Problem> {
        Ok(Self(bytes.to_vec()))
    }
}

fn malformed(error: &serde_json::Error) -> Problem {
    let (line, column) = (error.line().to_string(), error.column().to_string());
    Problem::with(Kind::Malformed, "problem.malformed_at", &[("line", &line), ("column", &column)])
}

/// What is wrong with JSON that is no `T`: every unknown and every missing field; else the place of the
/// first value that is not what it should be.
fn shape<T: JsonSchema>(bytes: &[u8], path: &str) -> Vec<Wrong> {
    let whole: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let Value::Object(given) = whole else { return vec![Wrong::at("", "api.wrong_type")] };
    let schema = T::json_schema(&mut SchemaGenerator::default());
    let known = |name: &str| schema.get("properties").is_some_and(|all| all.get(name).is_some());
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    let missing = required.filter_map(Value::as_str).filter(|name| !given.contains_key(*name));
    let wrong = |field: &str, key: &str| Wrong {
        field: field.to_owned().into(),
        key: key.to_owned(),
        ..Wrong::default()
    };
    let mut faults: Vec<Wrong> = given
        .keys()
        .filter(|name| !known(name))
        .map(|name| wrong(name, "api.unknown_field"))
        .chain(missing.map(|name| wrong(name, "api.missing_field")))
        .collect();
    if faults.is_empty() {
        faults.push(wrong(path, "api.wrong_type"));
    }
    faults
}

/// Takes a request's body.
///
/// # Errors
/// It is longer than the route's limit, of another kind, or not of its form.
pub async fn take<B: Body>(request: Request) -> Result<B, Problem> {
    let media = request.headers().get(header::CONTENT_TYPE).and_then(|media| media.to_str().ok());
    let essence = media.and_then(|media| media.split(';').next()).unwrap_or_default().trim();
    let fits = B::MEDIA.is_none_or(|wanted| essence.eq_ignore_ascii_case(wanted));
    let bytes = Bytes::from_request(request, &()).await.map_err(|rejection| {
        let large = rejection.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE;
        Problem::from(if large { Kind::TooLarge } else { Kind::Malformed })
    })?;
    match B::MEDIA {
        Some(wanted) if !fits => {
            Err(Problem::with(Kind::ContentType, "problem.content_type", &[("media", wanted)]))
        }
        _ => B::read(&bytes),
    }
}

/// JSON with a status.
fn json(status: StatusCode, value: &impl Serialize) -> Result<Response, Problem> {
    let text = serde_json::to_string(value).map_err(|error| {
        eprintln!("writing an answer: {error}");
        Problem::from(Kind::Failed)
    })?;
    Ok((status, [(header::CONTENT_TYPE, JSON)], text).into_response())
}

macro_rules! answers {
    ($($name:ident => $status:ident),*) => {$(
        impl<T: Serialize + JsonSchema + Send + 'static> Answer for $name<T> {
            const STATUS: StatusCode = StatusCode::$status;
            const MEDIA: Option<&'static str> = Some(JSON);

            fn schema(generator: &mut SchemaGenerator) -> Schema {
                generator.subschema_for::<T>()
            }

            fn response(self) -> Result<Response, Problem> {
                json(Self::STATUS, &self.0)
            }
        }
    )*};
}

answers!(Json => OK, Made => CREATED, Ordered => ACCEPTED);

impl Answer for Done {
    const STATUS: StatusCode = StatusCode::NO_CONTENT;
    const MEDIA: Option<&'static str> = None;

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<()>()
    }

    fn response(self) -> Result<Response, Problem> {
        Ok(Self::STATUS.into_response())
    }
}

impl Answer for Table {
    const STATUS: StatusCode = StatusCode::OK;
    const MEDIA: Option<&'static str> = Some(CSV);

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<String>()
    }

    fn response(self) -> Result<Response, Problem> {
        Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], self.0).into_response())
    }
}
