//! Starting other programs. Each is shown in the form in which a person would type it, and when it
//! fails, the error ends with that line.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// A command line that is about to run.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    program: OsString,
    args: Vec<OsString>,
    envs: Vec<(&'static str, OsString)>,
    dir: Option<PathBuf>,
}

/// How a command ended of which we read along.
pub(crate) struct Ended {
    /// Whether it exited with 0.
    pub(crate) ok: bool,
    /// Everything it printed, both streams.
    pub(crate) output: String,
}

impl Run {
    /// `program` without arguments, in the current folder.
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        let program = program.as_ref().to_owned();
        Self { program, args: Vec::new(), envs: Vec::new(), dir: None }
    }

    /// A line without quotes, such as `cargo fmt --all`, taken apart at its blanks.
    pub(crate) fn line(line: &str) -> Self {
        let mut words = line.split_whitespace();
        Self::new(words.next().unwrap_or_default()).args(words)
    }

    /// One more argument.
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// More arguments.
    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// One environment variable more.
    pub(crate) fn env(mut self, name: &'static str, value: impl AsRef<OsStr>) -> Self {
        self.envs.push((name, value.as_ref().to_owned()));
        self
    }

    /// Runs in `dir` instead of here.
    pub(crate) fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.dir = Some(dir.as_ref().to_owned());
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).envs(self.envs.iter().map(|(name, value)| (name, value)));
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        command.stdin(Stdio::null());
        command
    }

    fn cannot_start(&self) -> String {
        let program = Path::new(&self.program).display();
        format!("cannot start `{program}` (is it installed, is it on PATH?): {self}")
    }

    /// Runs it with our own output streams.
    pub(crate) fn run(&self) -> Result<()> {
        println!("  $ {self}");
        let status = self.command().status().with_context(|| self.cannot_start())?;
        if !status.success() {
            bail!("a command failed ({status}); to repeat it: {self}");
        }
        Ok(())
    }

    /// Runs it and shows nothing, unless it fails.
    pub(crate) fn run_quietly(&self) -> Result<()> {
        self.read().map(drop)
    }

    /// Whether it can be started and ends well; silent.
    pub(crate) fn succeeds(&self) -> bool {
        let status = self.command().stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    }

    /// Its standard output; standard error is in the error if it fails.
    pub(crate) fn read(&self) -> Result<String> {
        let output = self.command().output().with_context(|| self.cannot_start())?;
        if !output.status.success() {
            let told = String::from_utf8_lossy(&output.stderr);
            bail!(
                "a command failed ({}); to repeat it: {self}\n{}",
                output.status,
                told.trim_end()
            );
        }
        String::from_utf8(output.stdout).with_context(|| format!("not UTF-8: output of {self}"))
    }

    /// Runs it, passes on what it prints, and keeps a copy to read in.
    pub(crate) fn read_along(&self) -> Result<Ended> {
        println!("  $ {self}");
        let mut command = self.command();
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| self.cannot_start())?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let (mut output, told) = std::thread::scope(|scope| {
            let told = scope.spawn(|| pass_on(err, io::stderr()));
            (pass_on(out, io::stdout()), told.join().unwrap_or_default())
        });
        output.push_str(&told);
        let status = child.wait().with_context(|| format!("waiting for {self}"))?;
        Ok(Ended { ok: status.success(), output })
    }

    /// Becomes that program: its signals, its terminal, its exit code. Returns only on failure.
    pub(crate) fn become_it(&self) -> anyhow::Error {
        let mut command = self.command();
        command.stdin(Stdio::inherit());
        anyhow::Error::new(command.exec()).context(self.cannot_start())
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(dir) = &self.dir {
            write!(f, "cd {} && ", quoted(dir.as_os_str()))?;
        }
        for (name, value) in &self.envs {
            write!(f, "{name}={} ", quoted(value))?;
        }
        f.write_str(&quoted(&self.program))?;
        self.args.iter().try_for_each(|arg| write!(f, " {}", quoted(arg)))
    }
}

/// `word` as a shell wants it.
fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%^".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.into_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Copies lines as they come, and returns them all. What cannot be read or written ends the copy:
/// the exit code of the program decides, not its output.
fn pass_on(from: Option<impl Read>, mut to: impl Write) -> String {
    let mut kept = String::new();
    let Some(from) = from else { return kept };
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while matches!(from.read_until(b'\n', &mut line), Ok(read) if read > 0) {
        let _ = to.write_all(&line); // nobody reads: the program must not stop for that
        kept.push_str(&String::from_utf8_lossy(&line));
        line.clear();
    }
    kept
}

/// Prints the whole chain of an error, once.
pub(crate) fn complain(error: &anyhow::Error) {
    let _ = io::stdout().flush();
    let _ = writeln!(io::stderr(), "error: {error:#}"); // nowhere else to say it
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let run = Run::line("cargo doc").env("RUSTDOCFLAGS", "-D warnings").arg("it's");
        assert_eq!(run.to_string(), r"RUSTDOCFLAGS='-D warnings' cargo doc 'it'\''s'");
    }

    #[test]
    fn a_failure_says_how_to_repeat_it() {
        let error = Run::line("false now").run().unwrap_err().to_string();
        assert!(error.ends_with("to repeat it: false now"), "{error}");
        let missing = Run::new("no-such-program").read().unwrap_err().to_string();
        assert!(missing.contains("is it installed"), "{missing}");
    }

    #[test]
    fn both_streams_are_kept() {
        let ended = Run::new("sh").args(["-c", "echo one; echo two >&2; exit 3"]).read_along();
        let ended = ended.unwrap();
        assert!(!ended.ok);
        assert_eq!(ended.output, "one\ntwo\n");
    }
}
