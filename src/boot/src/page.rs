//! Asking the guest for a page.

use std::time::Duration;

use ureq::Agent;
use ureq::tls::TlsConfig;

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status code.
    pub status: u16,
    /// The `Location` header, if any.
    pub location: Option<String>,
    /// The body, as far as it is text.
    pub body: String,
}

/// Asks for `url` once, follows no redirect, takes any certificate: the box makes its own.
///
/// # Errors
/// When nobody answers within `patience`: the reason in one line.
pub fn ask(url: &str, patience: Duration) -> Result<Answer, String> {
    let agent: Agent = Agent::config_builder()
        .timeout_global(Some(patience))
        .max_redirects(0)
        .http_status_as_error(false)
        .tls_config(TlsConfig::builder().disable_verification(true).build())
        .proxy(None)
        .build()
        .into();
    let mut response = agent.get(url).call().map_err(|error| error.to_string())?;
    let location =
        response.headers().get("location").and_then(|value| value.to_str().ok().map(str::to_owned));
    let status = response.status().as_u16();
    let body = response.body_mut().read_to_string().unwrap_or_default();
    Ok(Answer { status, location, body })
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    fn serve(answer: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("address");
        thread::spawn(move || {
            let (mut client, _) = listener.accept().expect("client");
            let _ = client.read(&mut [0; 2048]);
            client.write_all(answer).expect("answer");
        });
        format!("http://{address}/claim")
    }

    #[test]
    fn errors_of_the_server_are_answers() {
        let url = serve(b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nwait");
        let answer = ask(&url, Duration::from_secs(10)).expect("answer");
        assert_eq!((answer.status, answer.body.as_str()), (503, "wait"));
    }

    #[test]
    fn redirects_are_shown_not_followed() {
        let url = serve(b"HTTP/1.1 303 See\r\nLocation: /claim\r\nContent-Length: 0\r\n\r\n");
        let answer = ask(&url, Duration::from_secs(10)).expect("answer");
        assert_eq!((answer.status, answer.location.as_deref()), (303, Some("/claim")));
    }

    #[test]
    fn silence_is_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("address"));
        assert!(ask(&url, Duration::from_millis(200)).is_err());
    }
}
