//! The people of an organisation as a table.

use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use mazet_directory::csv;

use crate::web::failure::Failure;
use crate::web::member::Member;

/// Tells spreadsheets that the text is UTF-8.
const MARK: &str = "\u{feff}";

/// `GET /people/export`, with `organisation` in the query: a file in CSV (RFC 4180).
///
/// # Errors
/// The member may not, or the directory fails.
pub async fn show(member: Member) -> Result<Response, Failure> {
    let organisation = member.query("organisation").parse().map_err(|_| Failure::NotFound)?;
    let table = csv::export(member.directory()?, member.actor(), organisation).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"mazet.csv\""),
    ];
    Ok((headers, format!("{MARK}{table}")).into_response())
}
