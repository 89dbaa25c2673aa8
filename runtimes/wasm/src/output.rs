//! What a guest writes: log lines with their time and stream, and the line that is its result.
//!
//! The last line on stdout that is not empty is the result; which one that is shows only at the
//! end, so the newest is held back. Nothing here makes a guest fail: what is too much is counted,
//! dropped and told.

use invoker::driver::{LogLine, Stream};

/// What a log line costs of the limit beside its text. The limit is one of stored bytes, not of
/// text; upstream counts lines of Docker's JSON log, which have this much around each text. It also
/// bounds what lines without text cost us.
const AROUND_A_LINE: u64 = 76;

/// Collects the output of one guest.
#[derive(Debug)]
pub(crate) struct Output {
    max_result: u64,
    max_logs: u64,
    /// Spent of `max_logs`.
    logged: u64,
    logs: Vec<LogLine>,
    is_truncated: bool,
    stdout: Partial,
    stderr: Partial,
    /// The newest line on stdout that is not empty, and the empty lines behind it.
    held: Option<Line>,
    empty_behind: Vec<i64>,
}

/// A line that has not ended.
#[derive(Debug, Default)]
struct Partial {
    text: Vec<u8>,
    /// Bytes of it that were dropped.
    dropped: u64,
    at_ns: i64,
}

/// A line that has ended, or the end of the output.
#[derive(Debug)]
struct Line {
    at_ns: i64,
    text: Vec<u8>,
    /// With what was dropped of it.
    length: u64,
}

/// All that a guest wrote, once it has ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// The last line on stdout that is not empty.
    pub(crate) answer: Option<RawAnswer>,
    /// The other lines, in the order of their times.
    pub(crate) logs: Vec<LogLine>,
    /// Whether log lines were dropped.
    pub(crate) is_truncated: bool,
}

/// The line that is the result.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RawAnswer {
    pub(crate) at_ns: i64,
    /// As far as it was kept: all of it if it is no longer than a result may be.
    pub(crate) text: Vec<u8>,
    /// Its whole length.
    pub(crate) length: u64,
}

impl Output {
    pub(crate) fn new(max_result: u64, max_logs: u64) -> Self {
        Self {
            max_result,
            max_logs,
            logged: 0,
            logs: Vec::new(),
            is_truncated: false,
            stdout: Partial::default(),
            stderr: Partial::default(),
            held: None,
            empty_behind: Vec::new(),
        }
    }

    /// Takes what was written at `at_ns`.
    pub(crate) fn write(&mut self, stream: Stream, at_ns: i64, mut bytes: &[u8]) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.extend(stream, at_ns, &bytes[..end]);
            self.end_line(stream, at_ns);
            bytes = &bytes[end + 1..];
        }
        self.extend(stream, at_ns, bytes);
    }

    /// Takes whole lines of which none can be the result.
    pub(crate) fn log_lines(&mut self, stream: Stream, at_ns: i64, bytes: &[u8]) {
        for line in bytes.split(|byte| *byte == b'\n') {
            if self.is_truncated {
                return;
            }
            self.log(stream, at_ns, line, as_u64(line.len()));
        }
    }

    fn extend(&mut self, stream: Stream, at_ns: i64, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        // A line on stdout may turn out to be the result, one on stderr is a log line for sure.
        let room = self.max_logs.saturating_sub(self.logged);
        let (partial, most) = match stream {
            Stream::Stdout => (&mut self.stdout, self.max_result.max(room)),
            Stream::Stderr => (&mut self.stderr, room),
        };
        partial.at_ns = at_ns;
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let kept = bytes.len().min(most.saturating_sub(partial.text.len()));
        partial.text.extend_from_slice(&bytes[..kept]);
        partial.dropped += as_u64(bytes.len() - kept);
    }

    fn end_line(&mut self, stream: Stream, at_ns: i64) {
        let partial = match stream {
            Stream::Stdout => std::mem::take(&mut self.stdout),
            Stream::Stderr => std::mem::take(&mut self.stderr),
        };
        let length = as_u64(partial.text.len()) + partial.dropped;
        let line = Line { at_ns, text: partial.text, length };
        match stream {
            Stream::Stderr => self.log(Stream::Stderr, at_ns, &line.text, line.length),
            Stream::Stdout if line.is_empty() => {
                // Each costs something, so there cannot be many of them.
                let room = self.max_logs.saturating_sub(self.logged);
                if as_u64(self.empty_behind.len()) < room / AROUND_A_LINE {
                    self.empty_behind.push(at_ns);
                } else if self.held.is_some() {
                    self.is_truncated = true;
                }
            }
            Stream::Stdout => {
                self.release();
                self.held = Some(line);
            }
        }
    }

    /// What was held back was not the result.
    fn release(&mut self) {
        if let Some(line) = self.held.take() {
            self.log(Stream::Stdout, line.at_ns, &line.text, line.length);
        }
        for at_ns in std::mem::take(&mut self.empty_behind) {
            self.log(Stream::Stdout, at_ns, &[], 0);
        }
    }

    fn log(&mut self, stream: Stream, at_ns: i64, text: &[u8], length: u64) {
        let text = without_return(text);
        let cost = length + AROUND_A_LINE;
        if self.is_truncated || self.logged + cost > self.max_logs {
            // As upstream: from the first line that does not fit, all are dropped.
            self.is_truncated = true;
            return;
        }
        self.logged += cost;
        let text = String::from_utf8_lossy(text).into_owned();
        self.logs.push(LogLine { at_ns, stream, text });
    }

    /// Bytes held in memory.
    pub(crate) fn bytes(&self) -> u64 {
        let held = self.held.as_ref().map_or(0, |line| line.text.len());
        self.logged + as_u64(self.stdout.text.len() + self.stderr.text.len() + held)
    }

    /// The guest has ended at `at_ns`.
    pub(crate) fn finish(mut self, at_ns: i64) -> Written {
        for stream in [Stream::Stdout, Stream::Stderr] {
            let partial = match stream {
                Stream::Stdout => &self.stdout,
                Stream::Stderr => &self.stderr,
            };
            if !partial.text.is_empty() || partial.dropped > 0 {
                let at_ns = if partial.at_ns == 0 { at_ns } else { partial.at_ns };
                self.end_line(stream, at_ns);
            }
        }
        if self.held.is_none() {
            self.release();
        }
        let answer = self.held.take().map(|line| {
            let kept = without_return(&line.text).len();
            let cut = as_u64(line.text.len() - kept);
            let mut text = line.text;
            text.truncate(kept);
            RawAnswer { at_ns: line.at_ns, text, length: line.length - cut }
        });
        // A line that was held back is older than what stderr said meanwhile.
        self.logs.sort_by_key(|line| line.at_ns);
        Written { answer, logs: self.logs, is_truncated: self.is_truncated }
    }
}

impl Line {
    fn is_empty(&self) -> bool {
        self.length == as_u64(self.text.len()) && self.text.trim_ascii().is_empty()
    }
}

fn without_return(text: &[u8]) -> &[u8] {
    text.strip_suffix(b"\r").unwrap_or(text)
}

fn as_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(written: &Written) -> Vec<&str> {
        written.logs.iter().map(|line| line.text.as_str()).collect()
    }

    fn answer(written: &Written) -> Option<&str> {
        written.answer.as_ref().map(|answer| std::str::from_utf8(&answer.text).unwrap())
    }

    #[test]
    fn the_last_line_that_is_not_empty_is_the_answer_and_the_others_are_logs() {
        let mut output = Output::new(1 << 20, 1 << 20);
        output.write(Stream::Stdout, 1, b"first\n\nsec");
        output.write(Stream::Stderr, 2, b"warning\r\n");
        output.write(Stream::Stdout, 3, b"ond\n{\"a\":1}\r\n \n\n");
        let written = output.finish(9);
        assert_eq!(answer(&written), Some("{\"a\":1}"));
        assert_eq!(texts(&written), ["first", "", "warning", "second"]);
        let times: Vec<_> = written.logs.iter().map(|line| line.at_ns).collect();
        assert_eq!(times, [1, 1, 2, 3]);
        assert!(!written.is_truncated);
    }

    #[test]
    fn a_last_line_without_its_end_counts() {
        let mut output = Output::new(1 << 20, 1 << 20);
        output.write(Stream::Stdout, 1, b"one\ntwo");
        output.write(Stream::Stderr, 2, b"no end");
        let written = output.finish(9);
        assert_eq!(answer(&written), Some("two"));
        assert_eq!(texts(&written), ["one", "no end"]);
    }

    #[test]
    fn a_flood_without_a_line_end_is_counted_but_not_kept() {
        let mut output = Output::new(1_000, 2_000);
        for _ in 0..1_000 {
            output.write(Stream::Stdout, 1, &[b'x'; 1_000]);
        }
        assert!(output.bytes() <= 2_000, "{}", output.bytes());
        let written = output.finish(9);
        let answer = written.answer.unwrap();
        assert_eq!((answer.length, answer.text.len()), (1_000_000, 2_000));
    }

    #[test]
    fn logs_end_at_their_limit() {
        for line in [&b"\n"[..], b"x\n", b"0123456789012345678901234567890123456789\n"] {
            let mut output = Output::new(100, 10_000);
            for _ in 0..100_000 {
                output.write(Stream::Stderr, 1, line);
                output.write(Stream::Stdout, 1, line);
            }
            assert!(output.bytes() <= 10_200);
            output.write(Stream::Stdout, 2, b"{}");
            let written = output.finish(9);
            assert!(written.is_truncated);
            assert!(written.logs.len() < 140, "{}", written.logs.len());
            assert_eq!(written.answer.unwrap().text, b"{}");
        }
    }
}
