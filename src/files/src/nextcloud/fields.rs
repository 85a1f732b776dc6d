//! What a call says: in its address, and in a body that is a form or JSON.

use axum::body::Body;
use axum::extract::{Form, FromRequest as _, Json, Query, Request};
use axum::http::{Method, StatusCode, header};
use serde_json::{Map, Value};

use super::answer::{Fault, Result};

/// Names and values.
pub(super) type Fields = Vec<(String, String)>;

/// The value of a field; none: nothing is said of it.
pub(super) fn field<'f>(fields: &'f Fields, name: &str) -> Option<&'f str> {
    fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// What a request says: the body's word counts first.
///
/// # Errors
/// When its body cannot be read, or is too long.
pub(super) async fn read(request: Request<Body>) -> Result<Fields> {
    let query = Query::<Fields>::try_from_uri(request.uri()).map(|query| query.0).unwrap_or_default();
    if request.method() == Method::GET || request.method() == Method::HEAD {
        return Ok(query);
    }
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let bad = Fault::Request(StatusCode::BAD_REQUEST, "the call cannot be read");
    let body = match kind.unwrap_or_default() {
        kind if kind.starts_with("application/json") => {
            let object = Json::<Map<String, Value>>::from_request(request, &()).await.map_err(|_| bad)?;
            object.0.into_iter().filter_map(|(name, value)| Some((name, plain(value)?))).collect()
        }
        kind if kind.starts_with("application/x-www-form-urlencoded") => {
            Form::<Fields>::from_request(request, &()).await.map_err(|_| bad)?.0
        }
        _ => Vec::new(),
    };
    Ok([body, query].concat())
}

/// A value as a form has it; none: there is none.
fn plain(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}
