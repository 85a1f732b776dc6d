//! Uploads by a plain form: files are written while they come.

use std::sync::Arc;

use axum::extract::multipart::{Field, Multipart};
use axum::extract::{FromRequest as _, FromRequestParts as _, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::failure::Failure;
use super::member::{Member, and_go};
use super::{Site, acts, folder, link};
use crate::storage::{Error, Full};

/// The longest field that is no file: a folder's path, as it stands in addresses.
const FIELD: usize = 12 << 10;

/// `POST /files/upload`: each `file` goes into `folder`. Those of the same name are replaced where
/// `replace` says so; else the new one gets a number.
///
/// # Errors
/// The form is not ours, or the folder is not there.
pub async fn save(State(site): State<Arc<Site>>, request: Request) -> Result<Response, Failure> {
    let (mut parts, body) = request.into_parts();
    let member = Member::from_request_parts(&mut parts, &site).await?;
    let headers = parts.headers.clone();
    let parts = Multipart::from_request(Request::from_parts(parts, body), &()).await;
    let mut form = Form { member, headers, csrf: String::new(), folder: String::new(), replace: false };
    let taken = form.take(parts.map_err(|_| Failure::Bad)?).await;
    let here = link::folder(&form.folder);
    match taken {
        Ok(0) => Ok(acts::nothing(&here)),
        Ok(_) => Ok(and_go(&here, "said.uploaded")),
        Err(Failure::Files(Error::NotFound | Error::NoFolder)) => Err(Failure::NotFound),
        Err(Failure::Files(error)) => {
            let (status, text) = form.member.refused(error)?;
            let faults = json!({ "faults": [{ "field": "files", "message": text }] });
            folder::page(&form.member.at(&here), &form.folder, status, faults).await
        }
        Err(other) => Err(other),
    }
}

/// What came of the form so far: fields stand before the files in it.
struct Form {
    member: Member,
    headers: HeaderMap,
    csrf: String,
    folder: String,
    replace: bool,
}

impl Form {
    /// Takes a form's fields and files. Gives how many files.
    async fn take(&mut self, mut parts: Multipart) -> Result<usize, Failure> {
        let mut files = 0;
        while let Some(part) = parts.next_field().await.map_err(broken)? {
            match part.name().unwrap_or_default() {
                "csrf" => self.csrf = text(part).await?,
                "folder" => self.folder = link::decoded(&text(part).await?).ok_or(Failure::Bad)?,
                "replace" => self.replace = true,
                "file" => files += usize::from(self.file(part).await?),
                _ => return Err(Failure::Bad),
            }
        }
        self.member.meant(&self.headers, &self.csrf)?;
        Ok(files)
    }

    /// Takes one file; false: the input was left empty.
    async fn file(&self, mut part: Field<'_>) -> Result<bool, Failure> {
        self.member.meant(&self.headers, &self.csrf)?;
        let name = plain_name(part.file_name().unwrap_or_default());
        if name.is_empty() {
            return Ok(false);
        }
        self.room().await?;
        let path = match self.replace {
            true => acts::name_in(&self.folder, &name)?,
            false => acts::free(&self.member.view, &self.folder, &name).await?,
        };
        let mut incoming = self.member.view.begin(&path, None).await?.beside(self.replace);
        while let Some(bytes) = part.chunk().await.map_err(broken)? {
            incoming.write(&bytes).await?;
        }
        incoming.finish(None).await?;
        Ok(true)
    }

    /// What cannot fit is refused before it comes. A form is a little longer than its files.
    async fn room(&self) -> Result<(), Failure> {
        let length =
            self.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let available = self.member.view.quota(&self.folder).await?.available;
        let most = available.saturating_add(64 << 10);
        // Replaced files make room for new ones.
        if !self.replace && length.is_some_and(|length: u64| length > most) {
            return Err(Error::NoSpace(Full::Quota).into());
        }
        Ok(())
    }
}

/// A name as browsers send it in a form (HTML, "multipart form data"): without a folder, which some add.
fn plain_name(sent: &str) -> String {
    let name = sent.rsplit(['/', '\\']).next().unwrap_or_default();
    name.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n")
}

async fn text(mut part: Field<'_>) -> Result<String, Failure> {
    let mut text = Vec::new();
    while let Some(bytes) = part.chunk().await.map_err(broken)? {
        text.extend_from_slice(&bytes);
        if text.len() > FIELD {
            return Err(Failure::Bad);
        }
    }
    String::from_utf8(text).map_err(|_| Failure::Bad)
}

/// The browser went away, or sent no form.
fn broken(error: axum::extract::multipart::MultipartError) -> Failure {
    match error.into_response().status() {
        StatusCode::INTERNAL_SERVER_ERROR => Failure::Internal("reading a form".to_owned()),
        _ => Failure::Bad,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_file_has_the_name_that_it_has() {
        assert_eq!(super::plain_name("été 50%.txt"), "été 50%.txt");
        assert_eq!(super::plain_name("a %22b%22%0D%0Ac"), "a \"b\"\r\nc");
        assert_eq!(super::plain_name("C:\\fake\\../../x"), "x");
    }
}
