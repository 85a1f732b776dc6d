//! As much of FastCGI 1.0 as a question and its answer need: one request a connection, no body.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Result};

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Record types (§ 8).
const BEGIN: u8 = 1;
const END: u8 = 3;
const PARAMETERS: u8 = 4;
const STDOUT: u8 = 6;
/// More than that is no question: cookies and a long address fit many times.
const LONGEST: usize = 256 * 1024;

/// What the web server takes us for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It answers the visitor with what we answer.
    Responder,
    /// It asks for permission.
    Authorizer,
}

/// A request, without its body.
#[derive(Debug)]
pub struct Request {
    /// Its number on the connection.
    pub id: u16,
    /// What we are asked as.
    pub role: Role,
    /// Parameters by name. What is no UTF-8 is replaced.
    pub parameters: BTreeMap<String, String>,
}

struct Record {
    kind: u8,
    id: u16,
    content: Vec<u8>,
}

/// Reads a request up to the end of its parameters.
///
/// # Errors
/// When the connection breaks, or what comes is no such request.
pub async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Request> {
    let begin = record(stream).await?;
    let role = match (begin.kind, begin.content.get(..2)) {
        (BEGIN, Some([0, 1])) => Role::Responder,
        (BEGIN, Some([0, 2])) => Role::Authorizer,
        _ => return Err(wrong("the request does not begin")),
    };
    let mut bytes = Vec::new();
    loop {
        let next = record(stream).await?;
        if next.kind != PARAMETERS || next.id != begin.id {
            return Err(wrong("the parameters do not end"));
        }
        if next.content.is_empty() {
            break;
        }
        bytes.extend(next.content);
        if bytes.len() > LONGEST {
            return Err(wrong("the parameters are too long"));
        }
    }
    let parameters = pairs(&bytes).ok_or_else(|| wrong("the parameters are cut off"))?;
    Ok(Request { id: begin.id, role, parameters })
}

/// The whole answer to request `id`: its output, and its end.
pub fn response(id: u16, output: &str) -> Vec<u8> {
    let mut bytes = bytes_of(STDOUT, id, output.as_bytes());
    bytes.extend(bytes_of(STDOUT, id, &[]));
    // Exit status 0, FCGI_REQUEST_COMPLETE.
    bytes.extend(bytes_of(END, id, &[0; 8]));
    bytes
}

async fn record<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Record> {
    let mut head = [0; 8];
    stream.read_exact(&mut head).await?;
    let [version, kind, id_high, id_low, high, low, padding, _] = head;
    if version != 1 {
        return Err(wrong("another version of FastCGI"));
    }
    let length = usize::from(u16::from_be_bytes([high, low]));
    let mut content = vec![0; length + usize::from(padding)];
    stream.read_exact(&mut content).await?;
    content.truncate(length);
    Ok(Record { kind, id: u16::from_be_bytes([id_high, id_low]), content })
}

/// Name-value pairs (§ 3.4); none when one is cut off.
fn pairs(mut bytes: &[u8]) -> Option<BTreeMap<String, String>> {
    let mut pairs = BTreeMap::new();
    while !bytes.is_empty() {
        let (name, value) = (length(&mut bytes)?, length(&mut bytes)?);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (pair, rest) = bytes.split_at_checked(name.checked_add(value)?)?;
        pairs.insert(text(&pair[..name]), text(&pair[name..]));
        bytes = rest;
    }
    Some(pairs)
}

/// One byte, or four with the highest bit set.
fn length(bytes: &mut &[u8]) -> Option<usize> {
    let (&first, rest) = bytes.split_first()?;
    if first < 0x80 {
        *bytes = rest;
        return Some(usize::from(first));
    }
    let (four, rest) = bytes.split_first_chunk::<4>()?;
    *bytes = rest;
    usize::try_from(u32::from_be_bytes(*four) & 0x7fff_ffff).ok()
}

fn bytes_of(kind: u8, id: u16, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX);
    let mut bytes = vec![1, kind];
    bytes.extend(id.to_be_bytes());
    bytes.extend(length.to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend(&content[..usize::from(length)]);
    bytes
}

fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}

/// A request with `parameters`, as a web server sends it.
#[cfg(test)]
pub fn request(role: Role, parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut pairs = Vec::new();
    for (name, value) in parameters {
        pairs.push(u8::try_from(name.len()).expect("a short name"));
        // Lengths of four bytes are as good for short values.
        pairs.extend((u32::try_from(value.len()).expect("short") | 0x8000_0000).to_be_bytes());
        pairs.extend([name.as_bytes(), value.as_bytes()].concat());
    }
    let role = if role == Role::Responder { 1 } else { 2 };
    let begin = bytes_of(BEGIN, 7, &[0, role, 0, 0, 0, 0, 0, 0]);
    let (first, second) = pairs.split_at(pairs.len() / 2);
    let parameters = [first, second, &[]].map(|part| bytes_of(PARAMETERS, 7, part)).concat();
    [begin, parameters].concat()
}

/// The output of a response.
#[cfg(test)]
pub async fn read_response<S: AsyncRead + Unpin>(stream: &mut S) -> String {
    let mut output = Vec::new();
    loop {
        let next = record(stream).await.expect("a record");
        match next.kind {
            STDOUT => output.extend(next.content),
            END => return String::from_utf8(output).expect("text"),
            other => panic!("a record of type {other}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_no_question_is_an_error_and_no_answer() {
        let good = request(Role::Responder, &[("A", "b")]);
        assert_eq!(read(&mut &good[..]).await.expect("read").parameters["A"], "b");
        for end in 0..good.len() {
            assert!(read(&mut &good[..end]).await.is_err(), "cut off after {end} bytes");
        }
        for at in [0, 1, 9, 17] {
            let mut bad = good.clone();
            bad[at] = 0xee;
            assert!(read(&mut &bad[..]).await.is_err(), "byte {at} changed");
        }
    }
}
