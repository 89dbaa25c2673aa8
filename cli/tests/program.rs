//! The program as it is started by people and scripts.
#![expect(
    clippy::disallowed_methods,
    reason = "a test that measures the program from outside must look at the clock"
)]

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn quirl(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quirl"));
    command.args(words).env_clear().env("HOME", "/nonexistent").stdin(Stdio::null());
    command
}

fn run(words: &[&str]) -> Output {
    quirl(words).output().expect("cargo has just built it")
}

#[test]
fn help_comes_at_once() {
    let time = |_| {
        let begin = Instant::now();
        assert!(run(&["--help"]).status.success());
        begin.elapsed()
    };
    // The best of many: other tests run beside this one.
    let best = (0..20).map(time).min().unwrap();
    assert!(best < Duration::from_millis(20), "{best:?}");
}

#[test]
fn pipes_get_no_colours() {
    let output = run(&["action", "list", "--apihost", "http://127.0.0.1:1"]);
    assert_eq!(output.status.code(), Some(3));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.starts_with("error: Unable to obtain the list of actions"), "{told}");
    assert!(!told.contains('\u{1b}'), "{told:?}");
    assert_eq!(told.lines().count(), 3, "{told}");
}

#[test]
fn wrong_words_exit_with_2_and_say_what_is_near() {
    let output = run(&["action", "crate"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("'create'"));
    assert_eq!(run(&[]).status.code(), Some(2));
}

#[test]
fn a_reader_that_had_enough_is_no_failure() {
    let mut child = quirl(&["property", "get", "--cliversion"]);
    let mut child = child.stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
