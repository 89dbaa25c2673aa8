//! All that is printed: lines, tables, JSON, failures. Nothing else writes to the terminal.
//!
//! Colour only where a person looks: not into pipes, not with `NO_COLOR`.

use std::fmt::Display;
use std::io::{ErrorKind, Write};

use anstream::AutoStream;
use owo_colors::OwoColorize as _;

use model::json::Json;

use crate::error::Error;

/// Standard output and standard error.
pub(crate) struct Output {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    failed: bool,
}

impl Output {
    /// Those of the process.
    pub(crate) fn of_process() -> Self {
        Self::new(AutoStream::auto(std::io::stdout()), AutoStream::auto(std::io::stderr()))
    }

    /// These.
    pub(crate) fn new(out: impl Write + 'static, err: impl Write + 'static) -> Self {
        Self { out: Box::new(out), err: Box::new(err), failed: false }
    }

    /// A line of what was asked for.
    pub(crate) fn line(&mut self, text: impl Display) {
        let written = writeln!(self.out, "{text}");
        self.note(written);
    }

    /// A line beside what was asked for: to standard error.
    pub(crate) fn aside(&mut self, text: impl Display) {
        let written = writeln!(self.err, "{text}");
        self.note(written);
    }

    /// `ok: …`
    pub(crate) fn ok(&mut self, text: impl Display) {
        self.line(format_args!("{} {text}", "ok:".green()));
    }

    /// `ok: …` about something whose end is an error: to standard error.
    pub(crate) fn ok_aside(&mut self, text: impl Display) {
        self.aside(format_args!("{} {text}", "ok:".green()));
    }

    /// A heading.
    pub(crate) fn heading(&mut self, text: &str) {
        self.line(text.bold());
    }

    /// A table: columns as wide as their widest cell and at least as `widths` says, the last one
    /// not padded. An empty header is left out.
    pub(crate) fn table(&mut self, header: &[&str], widths: &[usize], rows: &[Vec<String>]) {
        let mut widths = widths.to_vec();
        let mut grow = |cells: &[&str]| {
            for (width, cell) in widths.iter_mut().zip(cells) {
                *width = (*width).max(cell.chars().count());
            }
        };
        grow(header);
        for row in rows {
            grow(&row.iter().map(String::as_str).collect::<Vec<_>>());
        }
        if !header.is_empty() {
            self.heading(&padded(header.iter(), &widths));
        }
        for row in rows {
            self.line(padded(row.iter(), &widths));
        }
    }

    /// JSON, four spaces deep, as `wsk` prints it.
    pub(crate) fn json(&mut self, json: &Json) {
        self.line(pretty(json));
    }

    /// The same to standard error.
    pub(crate) fn json_aside(&mut self, json: &Json) {
        self.aside(pretty(json));
    }

    /// What failed, why, and what can be done: a line each.
    pub(crate) fn failure(&mut self, error: &Error) {
        let told = error.told();
        self.aside(format_args!("{} {}", "error:".red(), told.what));
        self.aside(format_args!("  {} {}", "why:".bold(), told.why));
        self.aside(format_args!(" {} {}", "next:".bold(), told.next));
    }

    /// Flushes; a result that could not be written is a failure whatever the command did.
    pub(crate) fn close(mut self, code: u8) -> u8 {
        let flushed = self.out.flush();
        self.note(flushed);
        if self.failed && code == 0 { 1 } else { code }
    }

    /// A pipe that was closed had enough; anything else, such as a full disk, is a failure.
    fn note(&mut self, written: std::io::Result<()>) {
        self.failed |= written.is_err_and(|error| error.kind() != ErrorKind::BrokenPipe);
    }
}

/// What stands out where a person looks.
pub(crate) fn bold(text: &str) -> String {
    text.bold().to_string()
}

fn padded<T: Display>(cells: impl ExactSizeIterator<Item = T>, widths: &[usize]) -> String {
    let last = cells.len().saturating_sub(1);
    let mut line = String::new();
    for (at, (cell, width)) in cells.zip(widths.iter().chain(std::iter::repeat(&0))).enumerate() {
        if at == last {
            line.push_str(&cell.to_string());
        } else {
            line.push_str(&format!("{cell:<width$} "));
        }
    }
    line
}

/// Compact JSON spread over lines. Texts and numbers stay as they are.
pub(crate) fn pretty(json: &Json) -> String {
    let text = json.as_str();
    let mut out = String::with_capacity(text.len() * 2);
    let mut depth = 0_usize;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let mut taken = c.len_utf8();
        match c {
            '"' => {
                taken = end_of_text(rest);
                out.push_str(&rest[..taken]);
            }
            '{' | '[' if rest[1..].starts_with(['}', ']']) => {
                taken = 2;
                out.push_str(&rest[..taken]);
            }
            '{' | '[' => {
                depth += 1;
                out.push(c);
                new_line(&mut out, depth);
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ => out.push(c),
        }
        rest = &rest[taken..];
    }
    out
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("    ", depth));
}

/// Length of the JSON string that `text` begins with.
fn end_of_text(text: &str) -> usize {
    let mut escaped = false;
    let end = text.bytes().skip(1).position(|c| {
        let ends = c == b'"' && !escaped;
        escaped = c == b'\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |end| end + 2)
}

/// A duration as Go prints it: `0s`, `43ms`, `1.043s`, `1m1.5s`, `1h0m0s`.
pub(crate) fn duration(ms: u64) -> String {
    if ms == 0 {
        return "0s".to_owned();
    }
    if ms < 1000 {
        return format!("{ms}ms");
    }
    let (hours, minutes) = (ms / 3_600_000, ms / 60_000 % 60);
    let mut seconds = format!("{}.{:03}", ms / 1000 % 60, ms % 1000);
    seconds.truncate(seconds.trim_end_matches('0').trim_end_matches('.').len());
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, minutes) => format!("{minutes}m{seconds}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Keeps what is printed, without colours.
    #[derive(Clone, Default)]
    pub(crate) struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Kept {
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// An output with what it prints.
    pub(crate) fn kept() -> (Output, Kept, Kept) {
        let (out, err) = (Kept::default(), Kept::default());
        let output = Output::new(
            anstream::StripStream::new(Box::new(out.clone()) as Box<dyn Write>),
            anstream::StripStream::new(Box::new(err.clone()) as Box<dyn Write>),
        );
        (output, out, err)
    }

    #[test]
    fn json_is_printed_four_spaces_deep() {
        let text = r#"{"a":[1,{"b":"x,\"y\\"}],"c":{},"d":[],"e":"{"}"#;
        let expected = "{\n    \"a\": [\n        1,\n        {\n            \"b\": \"x,\\\"y\\\\\"\n        }\n    ],\n    \"c\": {},\n    \"d\": [],\n    \"e\": \"{\"\n}";
        assert_eq!(pretty(&Json::parse(text.as_bytes()).unwrap()), expected);
        assert_eq!(pretty(&Json::null()), "null");
    }

    #[test]
    fn durations_are_printed_as_go_does() {
        for (ms, expected) in [
            (0, "0s"),
            (43, "43ms"),
            (1000, "1s"),
            (1043, "1.043s"),
            (10_500, "10.5s"),
            (61_500, "1m1.5s"),
            (3_600_000, "1h0m0s"),
        ] {
            assert_eq!(duration(ms), expected);
        }
    }

    #[test]
    fn columns_are_as_wide_as_they_must_be() {
        let (mut output, out, _) = kept();
        let rows =
            [["a", "b", "c"], ["long one", "é", ""]].map(|row| row.map(str::to_owned).to_vec());
        output.table(&["x", "yy", "z"], &[4, 0, 9], &rows);
        assert_eq!(out.text(), "x        yy z\na        b  c\nlong one é  \n");
    }

    #[test]
    fn a_closed_pipe_is_no_failure_and_a_full_disk_is() {
        struct Failing(ErrorKind);
        impl Write for Failing {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(self.0.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        for (kind, code) in [(ErrorKind::BrokenPipe, 0), (ErrorKind::StorageFull, 1)] {
            let mut output = Output::new(Failing(kind), std::io::sink());
            output.line("x");
            assert_eq!(output.close(0), code);
        }
    }
}
