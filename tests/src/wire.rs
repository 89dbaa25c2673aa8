//! HTTP/1.1 byte by byte: one request on one connection, just as it is written down.
//!
//! The typed client refuses to send what no client should send; a black-box table needs exactly
//! that: headers twice, lengths without bodies, methods nobody has.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// So long a request may take altogether.
const PATIENCE: Duration = Duration::from_secs(90);

/// A request, as its bytes.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `GET`, or any word.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// In order, doubles included. `Host` and `Connection: close` are added.
    pub headers: Vec<(String, String)>,
    /// What follows the head.
    pub body: Vec<u8>,
    /// How its length is told.
    pub length: Length,
}

/// How the length of a body is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Length {
    /// `Content-Length`, if there is a body.
    #[default]
    Right,
    /// In chunks.
    Chunked,
    /// A `Content-Length` of so much; nothing is sent.
    Announced(u64),
}

/// An answer, as it came.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// In order.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Sends a request to `address` (`http://host:port`) and reads the whole answer. Blocks.
///
/// # Errors
/// No connection, or what came is no answer.
pub fn exchange(address: &str, request: &Request) -> Result<Answer> {
    let host = address.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).with_context(|| format!("connect to {host}"))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // A server may answer and close before it has read all: what it said is what counts.
    let sent = stream.write_all(&request.bytes(host));
    let mut bytes = Vec::new();
    let read = stream.read_to_end(&mut bytes);
    if bytes.is_empty() {
        sent.context("send the request")?;
        read.context("read the answer")?;
        bail!("the connection was closed without an answer");
    }
    parse(&bytes, request.method == "HEAD")
}

/// The same, without blocking the caller's runtime.
///
/// # Errors
/// As [`exchange`].
pub async fn send(address: &str, request: Request) -> Result<Answer> {
    let address = address.to_owned();
    tokio::task::spawn_blocking(move || exchange(&address, &request)).await?
}

impl Request {
    fn bytes(&self, host: &str) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\nHost: {host}\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            bytes.extend([name, ": ", value, "\r\n"]);
        }
        match self.length {
            Length::Right if self.body.is_empty() => {}
            Length::Right => bytes.push_str(&format!("Content-Length: {}\r\n", self.body.len())),
            Length::Chunked => bytes.push_str("Transfer-Encoding: chunked\r\n"),
            Length::Announced(length) => bytes.push_str(&format!("Content-Length: {length}\r\n")),
        }
        bytes.push_str("Connection: close\r\n\r\n");
        let mut bytes = bytes.into_bytes();
        match self.length {
            Length::Right => bytes.extend(&self.body),
            Length::Announced(_) => {}
            Length::Chunked => {
                for chunk in self.body.chunks(64 << 10) {
                    bytes.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
                    bytes.extend(chunk);
                    bytes.extend(b"\r\n");
                }
                bytes.extend(b"0\r\n\r\n");
            }
        }
        bytes
    }
}

fn parse(bytes: &[u8], no_body: bool) -> Result<Answer> {
    let end =
        bytes.windows(4).position(|four| four == b"\r\n\r\n").context("no end of the head")?;
    let head = std::str::from_utf8(&bytes[..end]).context("the head is no text")?;
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    let status = status.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status: u16 = status.context("no status line")?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let rest = &bytes[end + 4..];
    if status == 100 {
        return parse(rest, no_body);
    }
    let mut answer = Answer { status, headers, body: Vec::new() };
    let chunked = answer.header("transfer-encoding").is_some_and(|it| it.contains("chunked"));
    answer.body = match answer.header("content-length").map(str::parse::<usize>) {
        _ if no_body => Vec::new(),
        _ if chunked => dechunk(rest)?,
        Some(length) => {
            let length = length.context("content-length is no number")?;
            let body = rest.get(..length);
            body.with_context(|| format!("{} of {length} bytes came", rest.len()))?.to_vec()
        }
        None => rest.to_vec(),
    };
    Ok(answer)
}

fn dechunk(mut rest: &[u8]) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n").context("a chunk is cut")?;
        let size = std::str::from_utf8(&rest[..end])?.split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(size.trim(), 16).context("size of a chunk")?;
        if size == 0 {
            return Ok(body);
        }
        let chunk = rest.get(end + 2..end + 2 + size).context("a chunk is cut")?;
        body.extend(chunk);
        rest = rest.get(end + 4 + size..).context("a chunk is cut")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_with_length_in_chunks_or_to_the_end() {
        let whole =
            parse(b"HTTP/1.1 200 OK\r\nA: b\r\ncontent-length: 2\r\n\r\nxyz", false).unwrap();
        assert_eq!((whole.status, whole.header("a"), whole.text()), (200, Some("b"), "xy".into()));
        let chunks =
            b"HTTP/1.1 404 No\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n";
        assert_eq!(parse(chunks, false).unwrap().text(), "abc");
        assert_eq!(parse(b"HTTP/1.1 204 No\r\n\r\n", false).unwrap().text(), "");
        assert!(parse(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nxyz", false).is_err());
    }

    #[test]
    fn a_request_is_sent_as_it_is_written() {
        let request = Request {
            method: "PUT".to_owned(),
            target: "/x".to_owned(),
            headers: vec![("A".to_owned(), "1".to_owned()), ("A".to_owned(), "2".to_owned())],
            body: b"hi".to_vec(),
            length: Length::Chunked,
        };
        let text = String::from_utf8(request.bytes("h")).unwrap();
        let head = "PUT /x HTTP/1.1\r\nHost: h\r\nA: 1\r\nA: 2\r\nTransfer-Encoding: chunked\r\n";
        assert_eq!(text, format!("{head}Connection: close\r\n\r\n2\r\nhi\r\n0\r\n\r\n"));
    }
}
