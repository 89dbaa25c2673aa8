//! A closed loop of requests on keep-alive connections, on one thread and with little CPU: the
//! server under test shares two cores with it.
//!
//! It is no HTTP client: it writes bytes that somebody prepared, and of an answer it reads the
//! status and the length. A connection has one request on the way at a time; when its answer is
//! whole, the next one goes out.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use hdrhistogram::Histogram;
use mio::{Events, Interest, Poll, Token};

use super::stats;

/// So long nothing may come at all.
const PATIENCE: Duration = Duration::from_secs(60);
/// The largest answer that is expected, head included.
const ANSWER: usize = 64 << 10;

/// When no further request is sent.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// After so many.
    Count(u64),
    /// After so long.
    Time(Duration),
}

/// What is to be sent, and how.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// The server.
    pub address: SocketAddr,
    /// Requests on the way at a time, each on its own connection.
    pub connections: usize,
    /// When it ends.
    pub until: Until,
}

/// What came of a load.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Requests that were answered 2xx.
    pub calls: u64,
    /// From the first request to the last answer.
    pub elapsed: Duration,
    /// Of each call.
    pub latency: Histogram<u64>,
}

impl Measured {
    /// Calls per second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        stats::rate(self.calls, self.elapsed)
    }

    /// The median, microseconds.
    #[must_use]
    pub fn p50(&self) -> f64 {
        stats::quantile_us(&self.latency, 0.5)
    }

    /// Microseconds that one in a hundred calls exceeded.
    #[must_use]
    pub fn p99(&self) -> f64 {
        stats::quantile_us(&self.latency, 0.99)
    }
}

struct Connection {
    stream: mio::net::TcpStream,
    request: Vec<u8>,
    answer: Box<[u8]>,
    filled: usize,
    sent: Instant,
}

impl Load {
    /// Sends the same request again and again.
    ///
    /// # Errors
    /// As [`Load::run`].
    pub fn repeat(&self, request: &[u8]) -> Result<Measured> {
        self.run(|_, out| out.extend_from_slice(request))
    }

    /// Sends what `write` writes for each number, counted from 0, until the end.
    ///
    /// # Errors
    /// A connection broke, an answer was not 2xx, or nothing came for a minute.
    pub fn run(&self, mut write: impl FnMut(u64, &mut Vec<u8>)) -> Result<Measured> {
        let mut poll = Poll::new()?;
        let mut events = Events::with_capacity(self.connections.max(16));
        let mut connections = Vec::with_capacity(self.connections);
        for number in 0..self.connections {
            let mut connection = Connection::open(self.address)?;
            poll.registry().register(&mut connection.stream, Token(number), Interest::READABLE)?;
            connections.push(connection);
        }
        let begun = Instant::now();
        let mut ends = End { until: self.until, begun, next: 0 };
        let mut open = 0;
        for connection in &mut connections {
            open += usize::from(connection.send(&mut ends, begun, &mut write)?);
        }
        let mut latency = stats::latencies();
        let mut last = begun;
        while open > 0 {
            match poll.poll(&mut events, Some(PATIENCE)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                other => other?,
            }
            ensure!(!events.is_empty(), "no answer within {} s", PATIENCE.as_secs());
            for event in &events {
                let connection = &mut connections[event.token().0];
                if !connection.receive()? {
                    continue;
                }
                last = Instant::now();
                stats::note(&mut latency, last - connection.sent);
                if !connection.send(&mut ends, last, &mut write)? {
                    open -= 1;
                }
            }
        }
        Ok(Measured { calls: latency.len(), elapsed: last - begun, latency })
    }
}

struct End {
    until: Until,
    begun: Instant,
    next: u64,
}

impl End {
    /// The number of the next request, if there is one.
    fn take(&mut self, now: Instant) -> Option<u64> {
        let goes_on = match self.until {
            Until::Count(count) => self.next < count,
            Until::Time(time) => now - self.begun < time,
        };
        let number = self.next;
        self.next += u64::from(goes_on);
        goes_on.then_some(number)
    }
}

impl Connection {
    fn open(address: SocketAddr) -> Result<Self> {
        let stream =
            TcpStream::connect(address).with_context(|| format!("connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream: mio::net::TcpStream::from_std(stream),
            request: Vec::new(),
            answer: vec![0; ANSWER].into_boxed_slice(),
            filled: 0,
            sent: Instant::now(),
        })
    }

    /// Sends the next request; `false` if there is none.
    fn send(
        &mut self,
        ends: &mut End,
        now: Instant,
        write: &mut impl FnMut(u64, &mut Vec<u8>),
    ) -> Result<bool> {
        let Some(number) = ends.take(now) else { return Ok(false) };
        self.request.clear();
        write(number, &mut self.request);
        // Not `now`: whoever writes may have waited.
        self.sent = Instant::now();
        // Nothing else is on the way, so the buffer of the socket is empty and takes it whole.
        let sent = self.stream.write(&self.request).context("send a request")?;
        ensure!(
            sent == self.request.len(),
            "a request of {} bytes is too long",
            self.request.len()
        );
        Ok(true)
    }

    /// Reads what is there; `true` if the answer is whole.
    fn receive(&mut self) -> Result<bool> {
        loop {
            let room = &mut self.answer[self.filled..];
            ensure!(!room.is_empty(), "an answer of more than {ANSWER} bytes");
            let wanted = room.len();
            let read = match self.stream.read(room) {
                Ok(0) => bail!("the server closed a connection"),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error).context("read an answer"),
            };
            self.filled += read;
            if let Some(length) = whole(&self.answer[..self.filled])? {
                ensure!(length == self.filled, "more than one answer came");
                self.filled = 0;
                return Ok(true);
            }
            // The kernel tells again when more comes, unless there may be more already.
            if read < wanted {
                return Ok(false);
            }
        }
    }
}

/// Status and length of the answer with its head, once all of it is there.
///
/// # Errors
/// It does not say how long it is.
pub fn answered(bytes: &[u8]) -> Result<Option<(&[u8], usize)>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let head = &bytes[..end];
    let status = head.get(9..12).unwrap_or_default();
    let length = end + 4 + body_length(head, status)?;
    Ok((bytes.len() >= length).then_some((status, length)))
}

/// The length of the answer with its head, once all of it is there. It must be 2xx.
fn whole(bytes: &[u8]) -> Result<Option<usize>> {
    let Some((status, length)) = answered(bytes)? else { return Ok(None) };
    if status.first() != Some(&b'2') {
        bail!(
            "the answer was {}",
            String::from_utf8_lossy(bytes.get(..length.min(600)).unwrap_or(bytes))
        );
    }
    Ok(Some(length))
}

fn body_length(head: &[u8], status: &[u8]) -> Result<usize> {
    for line in head.split(|byte| *byte == b'\n').skip(1) {
        let is_length = line.len() > 15 && line[..15].eq_ignore_ascii_case(b"content-length:");
        if is_length {
            let digits = line[15..].trim_ascii();
            let digits = std::str::from_utf8(digits).context("content-length is no number")?;
            return digits.parse().context("content-length is no number");
        }
    }
    ensure!(status == b"204", "an answer without content-length");
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_when_its_body_is() {
        let answer = b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 3\r\n\r\n{}\n";
        for cut in 0..answer.len() {
            assert_eq!(whole(&answer[..cut]).unwrap(), None, "{cut}");
        }
        assert_eq!(whole(answer).unwrap(), Some(answer.len()));
        assert_eq!(whole(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap(), Some(27));
        assert!(whole(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        let refused = whole(b"HTTP/1.1 429 Slow\r\ncontent-length: 2\r\n\r\nno").unwrap_err();
        assert!(refused.to_string().ends_with("no"), "{refused}");
    }
}
