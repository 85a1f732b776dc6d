//! One operation: a method and a path, who may, and what answers it.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::body::{Answer, Body};
use super::call::Call;
use super::problem::Problem;
use crate::web::app::App;
use crate::web::routes::Access;

/// An operation.
pub struct Operation {
    /// Its method, in small letters as OpenAPI writes it.
    pub method: &'static str,
    /// Its path, as axum and OpenAPI write it: `/api/v1/people/{id}`.
    pub path: &'static str,
    /// Who may, somewhere on the box; what exactly it is done to, the directory asks.
    pub access: Access,
    /// Its name in the description; below `operation.` in the catalogue, what it does.
    pub name: &'static str,
    /// A body that it takes.
    pub example: Option<Value>,
    /// What answers it.
    pub answer: MethodRouter<Arc<App>>,
    /// What it reads and gives.
    pub shape: fn(&mut SchemaGenerator) -> Shape,
    /// Is that a body of it?
    #[cfg(test)]
    pub takes: fn(&[u8]) -> bool,
}

/// What an operation reads and gives.
pub struct Shape {
    /// The query, an object.
    pub query: Schema,
    /// The body: media type and schema.
    pub body: Option<(&'static str, Schema)>,
    /// The status of its answer.
    pub status: u16,
    /// The answer: media type and schema.
    pub answer: Option<(&'static str, Schema)>,
}

/// An operation from its handler, whose types say what is read and given.
pub fn operation<Q, B, A, H, F>(
    (method, path): (MethodFilter, &'static str),
    access: Access,
    name: &'static str,
    handler: H,
) -> Operation
where
    Q: DeserializeOwned + JsonSchema + Send + 'static,
    B: Body,
    A: Answer,
    H: Fn(Call<Q, B>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<A, Problem>> + Send,
{
    let answer = move |State(app): State<Arc<App>>, request: Request| {
        let handler = handler.clone();
        async move { answered(app, access, request, handler).await }
    };
    Operation {
        method: word(method),
        path,
        access,
        name,
        example: None,
        answer: on(method, answer),
        shape: shape::<Q, B, A>,
        #[cfg(test)]
        takes: |bytes| B::read(bytes).is_ok(),
    }
}

impl Operation {
    /// With a body that it takes.
    #[must_use]
    pub fn example(self, body: Value) -> Self {
        Self { example: Some(body), ..self }
    }

    /// With longer bodies than usual, in bytes.
    #[must_use]
    pub fn up_to(self, bytes: usize) -> Self {
        Self { answer: self.answer.layer(DefaultBodyLimit::max(bytes)), ..self }
    }
}

fn word(method: MethodFilter) -> &'static str {
    let others = [
        (MethodFilter::POST, "post"),
        (MethodFilter::PUT, "put"),
        (MethodFilter::PATCH, "patch"),
        (MethodFilter::DELETE, "delete"),
    ];
    others.into_iter().find(|(one, _)| *one == method).map_or("get", |(_, word)| word)
}

fn shape<Q: JsonSchema, B: Body, A: Answer>(generator: &mut SchemaGenerator) -> Shape {
    Shape {
        query: Q::json_schema(generator),
        body: B::MEDIA.map(|media| (media, B::schema(generator))),
        status: A::STATUS.as_u16(),
        answer: A::MEDIA.map(|media| (media, A::schema(generator))),
    }
}

async fn answered<Q, B, A, H, F>(app: Arc<App>, access: Access, request: Request, handler: H) -> Response
where
    Q: DeserializeOwned + JsonSchema,
    B: Body,
    A: Answer,
    H: Fn(Call<Q, B>) -> F,
    F: Future<Output = Result<A, Problem>>,
{
    let answer = async {
        let call = Call::read(app, access, request).await?;
        handler(call).await?.response()
    };
    answer.await.unwrap_or_else(|problem| problem.into_response())
}
