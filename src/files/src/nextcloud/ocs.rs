//! What the box is and can, and who the person is, in the form of the Open Collaboration Services: JSON
//! where the client asks for it, else XML.

use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use super::answer::{Fault, MISSING, Result, typed};
use super::links::Asked;
use super::xml::escaped;
use super::{Cloud, fields};
use crate::storage::Storage;

/// The version of Nextcloud's server whose clients' calls are understood: clients refuse what is older than
/// they are by some years, and ask more of what is newer.
const COMPATIBLE: (u32, &str) = (31, "31.0.0");
/// What the box calls itself.
const PRODUCT: &str = "Mazet";

/// `/status.php`.
pub(super) async fn status() -> Response {
    let (_, version) = COMPATIBLE;
    let status = json!({
        "installed": true,
        "maintenance": false,
        "needsDbUpgrade": false,
        "version": format!("{version}.0"),
        "versionstring": version,
        "edition": "",
        "productname": PRODUCT,
        "extendedSupport": false,
    });
    typed(StatusCode::OK, "application/json", status.to_string())
}

impl Cloud {
    /// Answers a call.
    pub(super) async fn ocs(&self, login: &str, request: Request<Body>) -> Response {
        let Some(call) = Call::of(&request) else { return MISSING.answer() };
        match self.told(login, &call, request).await {
            Ok(data) => call.form.good(&data),
            Err(fault) => call.form.fault(fault.status(), &fault.told()),
        }
    }

    async fn told(&self, login: &str, call: &Call, request: Request<Body>) -> Result<Value> {
        // A page of another site can send a form with the password that a browser keeps, but no such header.
        if call.method != Method::GET && !request.headers().contains_key("ocs-apirequest") {
            let why = "the header OCS-APIRequest is missing";
            return Err(Fault::Request(StatusCode::PRECONDITION_FAILED, why));
        }
        if let Some(path) = call.path.strip_prefix("apps/files_sharing/api/v1/") {
            let (headers, view) = (request.headers().clone(), self.storage.view(login).await?);
            let fields = fields::read(request).await?;
            let asked = Asked { view: &view, headers: &headers, fields: &fields };
            return self.shared(&asked, &call.method, path).await;
        }
        match call.path.as_str() {
            _ if call.method != Method::GET => Err(NO_CALL),
            "cloud/capabilities" => Ok(capabilities()),
            "cloud/user" => user(&self.storage, login).await,
            path if path == format!("cloud/users/{login}") => user(&self.storage, login).await,
            "core/navigation/apps" => Ok(json!([])),
            _ => Err(NO_CALL),
        }
    }
}

const NO_CALL: Fault = Fault::Request(StatusCode::NOT_FOUND, "there is no such call");

/// A call: `GET /ocs/v2.php/cloud/user?format=json`.
struct Call {
    method: Method,
    /// What stands behind the version.
    path: String,
    form: Form,
}

impl Call {
    /// The call that a request is; none: it is none.
    fn of(request: &Request<Body>) -> Option<Self> {
        let (version, path) = request.uri().path().strip_prefix("/ocs/")?.split_once('/')?;
        let first = version == "v1.php";
        let known = first || version == "v2.php";
        let form = Form { json: wants_json(request), first };
        let path = path.trim_end_matches('/').to_owned();
        known.then(|| Self { method: request.method().clone(), path, form })
    }
}

fn capabilities() -> Value {
    let (major, version) = COMPATIBLE;
    json!({
        "version": { "major": major, "minor": 0, "micro": 0, "string": version, "edition": "", "extendedSupport": false },
        "capabilities": {
            "core": { "pollinterval": 60, "webdav-root": "remote.php/webdav" },
            "dav": { "chunking": "1.0" },
            "files": {
                "bigfilechunking": true,
                "undelete": false,
                "versioning": false,
                "comments": false,
                "blacklisted_files": [],
            },
            "files_sharing": sharing(),
            "theming": {
                "name": PRODUCT,
                "slogan": "",
            },
        },
    })
}

/// Links to be read, and no other way of sharing.
fn sharing() -> Value {
    // Where it is true, every link ends by itself after some days.
    let ends = json!({ "enabled": false });
    json!({
        "api_enabled": true,
        "public": {
            "enabled": true,
            "password": { "enforced": false, "askForOptionalPassword": false },
            "expire_date": ends,
            "multiple_links": true,
            "send_mail": false,
            "upload": false,
            "upload_files_drop": false,
        },
        "resharing": false,
        "user": { "send_mail": false, "expire_date": ends },
        "group_sharing": false,
        "group": { "enabled": false, "expire_date": ends },
        "federation": { "outgoing": false, "incoming": false, "expire_date": ends },
        "sharebymail": { "enabled": false },
        "sharee": { "query_lookup_default": false },
        "default_permissions": 1,
    })
}

async fn user(storage: &Storage, login: &str) -> Result<Value> {
    let view = storage.view(login).await?;
    let used = view.quota("").await?;
    let (free, total) = (used.available, used.used.saturating_add(used.available));
    Ok(json!({
        "id": login,
        "enabled": true,
        "display-name": login,
        "displayname": login,
        "email": "",
        "quota": {
            "free": free,
            "used": used.used,
            "total": total,
            "relative": if total == 0 { 0.0 } else { used.used as f64 * 100.0 / total as f64 },
            "quota": used.limit.map_or(json!(-3), |limit| json!(limit)),
        },
        "groups": [],
        "language": "",
        "locale": "",
    }))
}

/// How an answer is written.
struct Form {
    json: bool,
    /// The first version of the services has numbers of its own for what went well or wrong.
    first: bool,
}

impl Form {
    fn good(&self, data: &Value) -> Response {
        self.written(StatusCode::OK, if self.first { 100 } else { 200 }, ("ok", "OK"), data)
    }

    fn fault(&self, status: StatusCode, why: &str) -> Response {
        let http = if self.first { StatusCode::OK } else { status };
        self.written(http, status.as_u16(), ("failure", why), &json!([]))
    }

    fn written(
        &self,
        http: StatusCode,
        code: u16,
        (status, message): (&str, &str),
        data: &Value,
    ) -> Response {
        let meta = json!({ "status": status, "statuscode": code, "message": message });
        let mut answer = if self.json {
            typed(
                http,
                "application/json; charset=utf-8",
                json!({ "ocs": { "meta": meta, "data": data } }).to_string(),
            )
        } else {
            let body = format!(
                "<?xml version=\"1.0\"?>\n<ocs>{}{}</ocs>\n",
                element("meta", &meta),
                element("data", data)
            );
            typed(http, "application/xml; charset=utf-8", body)
        };
        answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        answer
    }
}

/// A value as an element.
fn element(name: &str, value: &Value) -> String {
    let inside = match value {
        Value::Null => String::new(),
        Value::Bool(value) => u8::from(*value).to_string(),
        Value::Number(value) => value.to_string(),
        Value::String(value) => escaped(value),
        Value::Array(values) => values.iter().map(|value| element("element", value)).collect(),
        Value::Object(values) => values.iter().map(|(name, value)| element(name, value)).collect(),
    };
    if inside.is_empty() { format!("<{name}/>") } else { format!("<{name}>{inside}</{name}>") }
}

fn wants_json(request: &Request<Body>) -> bool {
    let query = request.uri().query().unwrap_or_default();
    let accept =
        request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    query.split('&').any(|part| part == "format=json") || accept.contains("application/json")
}
