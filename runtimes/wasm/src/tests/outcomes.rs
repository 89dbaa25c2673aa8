//! Every row of the outcome table, `action-runtime.md` §18.6.

use invoker::driver::{NotStarted, Outcome, StartState};
use model::json::Json;
use model::limits::ResultBounds;
use model::outcome::Class::{ApplicationError, DeveloperError, Success};
use model::outcome::{
    EXITED, LOGS_AFTER_DEVELOPER_ERROR, OUT_OF_MEMORY, bad_answer, init_failed, init_time_limit,
    logs_truncated, long_answer, time_limit,
};
use model::time::Millis;

use super::stage::{Stage, answer, assert_error, job, logs, told, writing};

const DEV_LOG: &str =
    "stderr: The action did not initialize or run as expected. Log data might be missing.";

/// A module that answers with what it was given.
const ECHO: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_read"
    (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 20)
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 1024))
    (i32.store (i32.const 4) (i32.const 1200000))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 4)))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#;

#[test]
fn an_object_is_a_success() {
    let stage = Stage::new();
    let ended = stage.run(ECHO);
    assert_eq!(told(&ended), (Success, r#"{"name":"Ann"}"#.to_owned()));
    assert_eq!(answer(&ended).size, Some(14));
    assert_eq!(ended.logs, []);
    assert!(ended.start <= ended.end);
}

#[test]
fn code_is_compiled_once_and_the_wait_for_it_is_told() {
    let stage = Stage::new();
    let first = stage.run(ECHO);
    assert_eq!(first.state, StartState::Cold);
    assert!(first.init_us.is_some_and(|init| init > 0 && init <= first.duration_us));
    let second = stage.run(ECHO);
    assert_eq!((second.state, second.init_us), (StartState::Warmed, None));

    let Stage { driver, blobs, folder } = stage;
    drop(driver);
    let again =
        Stage::at(&super::stage::config(), crate::engine::Allocation::Pooling, blobs, folder);
    let third = again.run(ECHO);
    assert_eq!((third.state, third.init_us), (StartState::Prewarmed, None));
}

#[test]
fn an_array_is_a_success_and_logs_are_told_apart() {
    let stage = Stage::new();
    let ended = stage.run(&writing(1, "first\nsecond\n[1, 2]\n\n", ""));
    assert_eq!(told(&ended), (Success, "[1,2]".to_owned()));
    assert_eq!(logs(&ended), ["stdout: first", "stdout: second"]);
}

#[test]
fn an_object_with_error_is_reduced_to_it() {
    let stage = Stage::new();
    let ended = stage.run(&writing(1, r#"{"a":1,"error":{"b":2},"c":3}"#, ""));
    assert_eq!(told(&ended), (ApplicationError, r#"{"error":{"b":2}}"#.to_owned()));
    assert_eq!(logs(&ended), [""; 0]);
}

#[test]
fn what_is_no_object_and_no_array_is_told_back() {
    let stage = Stage::new();
    for text in ["42", "\"text\"", "no JSON at all", "{\"a\":", "null"] {
        let ended = stage.run(&writing(1, &format!("before\n{text}\n"), ""));
        assert_error(&ended, DeveloperError, &bad_answer(text));
        assert_eq!(logs(&ended), ["stdout: before", DEV_LOG]);
        assert_eq!(answer(&ended).size, Some(text.len() as u64));
    }
    let silent = stage.run(r#"(module (func (export "_start")))"#);
    assert_error(&silent, DeveloperError, &bad_answer(""));
    assert_eq!(answer(&silent).size, None);
}

#[test]
fn an_exit_status_of_0_is_a_return() {
    let stage = Stage::new();
    let ended = stage.run(&writing(1, "{\"a\":1}\n", "(call $exit (i32.const 0))"));
    assert_eq!(told(&ended), (Success, "{\"a\":1}".to_owned()));
}

#[test]
fn any_other_exit_status_is_a_failure_unless_the_answer_says_why() {
    let stage = Stage::new();
    for status in [1, 2, 126, 255, 256, -1, i32::MAX, i32::MIN] {
        let exit = format!("(call $exit (i32.const {status}))");
        let ended = stage.run(&writing(1, "{\"a\":1}\n", &exit));
        assert_error(&ended, DeveloperError, EXITED);
        let said = format!("stderr: The action exited with status {status}.");
        assert_eq!(logs(&ended), ["stdout: {\"a\":1}", said.as_str(), DEV_LOG]);
        let explained = stage.run(&writing(1, "{\"error\":\"because\",\"x\":1}\n", &exit));
        assert_eq!(told(&explained), (ApplicationError, "{\"error\":\"because\"}".to_owned()));
    }
}

#[test]
fn a_trap_is_told_in_the_log_with_its_backtrace() {
    let stage = Stage::new();
    for (then, text) in [
        ("unreachable", "wasm trap: wasm `unreachable` instruction executed"),
        ("(drop (i32.load (i32.const -1)))", "wasm trap: out of bounds memory access"),
        ("(drop (i32.div_s (i32.const 1) (i32.const 0)))", "wasm trap: integer divide by zero"),
        ("(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))", "wasm trap: integer overflow"),
        ("(drop (i32.trunc_f32_s (f32.const nan)))", "wasm trap: invalid conversion to integer"),
        ("(call_indirect (type $none) (i32.const 0))", "wasm trap: uninitialized element"),
        (
            "(call_indirect (type $none) (i32.const 9))",
            "wasm trap: undefined element: out of bounds table access",
        ),
        (
            "(table.set (i32.const 0) (ref.func $nothing)) \
             (drop (call_indirect (type $number) (i32.const 0)))",
            "wasm trap: indirect call type mismatch",
        ),
        ("call $recurse", "wasm trap: call stack exhausted"),
    ] {
        // A function that a `ref.func` names has to be declared.
        let text_of =
            writing(1, "seen\n", then).replace("(data", "(elem declare func $nothing) (data");
        let ended = stage.run(&text_of);
        assert_error(&ended, DeveloperError, EXITED);
        let logs = logs(&ended);
        assert_eq!(logs[0], "stdout: seen");
        assert_eq!(logs[1], format!("stderr: {text}"));
        assert!(logs[2].starts_with("stderr:   0: "), "{logs:?}");
        assert_eq!(logs.last().unwrap(), DEV_LOG);
    }
}

#[test]
fn names_of_functions_stand_in_a_backtrace() {
    let stage = Stage::new();
    let ended = stage.run(
        r#"(module (func $inner unreachable) (func $outer call $inner)
        (func (export "_start") call $outer))"#,
    );
    let logs = logs(&ended);
    assert!(logs[1].starts_with("stderr:   0: inner (at 0x"), "{logs:?}");
    assert!(logs[2].starts_with("stderr:   1: outer (at 0x"), "{logs:?}");
}

#[test]
fn a_run_beyond_its_time_is_ended() {
    let stage = Stage::new();
    let code = stage.module(&writing(1, "one\n", "(loop br 0)"));
    let mut job = job(code);
    job.limits.timeout = Millis(100);
    let ended = stage.run_job(job);
    assert_error(&ended, DeveloperError, &time_limit(100));
    assert!(answer(&ended).timeout);
    assert!(ended.duration_us >= 100_000);
    assert_eq!(logs(&ended), ["stdout: one", DEV_LOG]);
}

#[test]
fn an_initialisation_beyond_its_time_is_told_as_one() {
    let stage = Stage::new();
    let code = stage
        .module(r#"(module (func (export "_initialize") (loop br 0)) (func (export "_start")))"#);
    let mut job = job(code);
    job.limits.timeout = Millis(100);
    let ended = stage.run_job(job);
    assert_error(&ended, DeveloperError, &init_time_limit(100));
    assert!(answer(&ended).timeout);
    assert!(ended.init_us.is_some());
}

#[test]
fn a_reactor_is_initialised_before_its_export_is_called() {
    let stage = Stage::new();
    let reactor = writing(1, "{\"ok\":true}", "").replace(
        "(func (export \"_start\")",
        "(global $ready (mut i32) (i32.const 0))
         (func (export \"_initialize\") (global.set $ready (i32.const 1)))
         (func (export \"handle\")
           (if (i32.eqz (global.get $ready)) (then unreachable))",
    );
    let mut job = job(stage.module(&reactor));
    job.main = Some("handle".to_owned());
    assert_eq!(told(&stage.run_job(job)), (Success, "{\"ok\":true}".to_owned()));
}

#[test]
fn a_failed_initialisation_is_told_as_one() {
    let stage = Stage::new();
    let ended =
        stage.run(r#"(module (func (export "_initialize") unreachable) (func (export "_start")))"#);
    let text = init_failed("wasm trap: wasm `unreachable` instruction executed");
    assert_error(&ended, DeveloperError, &text);

    let damaged = stage.store("AGFzbQEAAAAB");
    let ended = stage.run_job(job(damaged));
    let (class, text) = told(&ended);
    assert_eq!(class, DeveloperError);
    assert!(
        text.starts_with(
            "{\"error\":\"The action failed during initialization: The code is not a WebAssembly"
        ),
        "{text}"
    );
    let no_export = stage.run(r#"(module (func (export "other")))"#);
    let text = init_failed("The module has no export '_start'.");
    assert_error(&no_export, DeveloperError, &text);
}

#[test]
fn memory_beyond_the_limit_of_the_action_fails_to_grow_and_a_death_of_it_is_told() {
    let stage = Stage::new();
    let grows = |then: &str| {
        format!(
            r#"(local $got i32)
            (local.set $got (memory.grow (i32.const 4000)))
            {then}"#
        )
    };
    // 4000 pages are 250 MB and fit; 4000 more do not: the guest sees -1 and lives on.
    let lives =
        grows("(if (i32.ne (memory.grow (i32.const 4000)) (i32.const -1)) (then unreachable))");
    let text = writing(1, "{\"ok\":1}", "")
        .replace("(func (export \"_start\")", &format!("(func (export \"_start\") {lives}"));
    assert_eq!(told(&stage.run(&text)), (Success, "{\"ok\":1}".to_owned()));

    let dies = grows("(drop (memory.grow (i32.const 4000))) unreachable");
    let text = writing(1, "", "")
        .replace("(func (export \"_start\")", &format!("(func (export \"_start\") {dies}"));
    let ended = stage.run(&text);
    assert_error(&ended, DeveloperError, OUT_OF_MEMORY);
    assert_eq!(logs(&ended).last().unwrap(), DEV_LOG);

    let starts_beyond = r#"(module (memory 5000) (func (export "_start")))"#;
    assert_error(&stage.run(starts_beyond), DeveloperError, OUT_OF_MEMORY);
}

#[test]
fn growth_that_the_budget_cannot_give_ends_the_attempt() {
    let stage = Stage::with(|config| config.wasm_memory = model::size::ByteSize::mib(64));
    let ended = stage.run(
        r#"(module (memory 1) (func (export "_start") (drop (memory.grow (i32.const 2000)))))"#,
    );
    assert_eq!(ended.outcome, Outcome::OutOfBudget);
    let ended = stage.run(r#"(module (memory 2000) (func (export "_start")))"#);
    assert_eq!(ended.outcome, Outcome::NotStarted(NotStarted::NoSlot));
    let usage = invoker::driver::Driver::usage(&stage.driver);
    assert_eq!((usage.instances, usage.memory), (0, 0));
}

#[test]
fn a_result_that_is_too_long_is_told_with_its_beginning() {
    let stage = Stage::new();
    let text = format!("{{\"a\":\"{}\"}}", "x".repeat(2_000));
    let length = text.len() as u64;
    for shown in [20, 1_000] {
        let mut job = job(stage.module(&writing(1, &text, "")));
        job.result = ResultBounds { most: 1_000, shown };
        let ended = stage.run_job(job);
        let beginning = &text[..usize::try_from(shown).unwrap()];
        assert_error(&ended, ApplicationError, &long_answer(length, 1_000, beginning));
        assert_eq!(answer(&ended).size, None);
    }
}

#[test]
fn no_slot_or_less_than_4_mib_is_not_a_start() {
    let stage = Stage::with(|config| config.max_instances = 0);
    let ended = stage.run(ECHO);
    assert_eq!(ended.outcome, Outcome::NotStarted(NotStarted::NoSlot));
    let stage = Stage::with(|config| config.wasm_memory = model::size::ByteSize::mib(3));
    assert_eq!(stage.run(ECHO).outcome, Outcome::NotStarted(NotStarted::NoSlot));
}

#[test]
fn code_that_cannot_be_read_is_not_a_start() {
    let stage = Stage::new();
    let ended = stage.run_job(job(model::id::Digest([9; 32])));
    let Outcome::NotStarted(NotStarted::NoCode(text)) = ended.outcome else { panic!() };
    assert!(text.contains("is missing"), "{text}");
}

#[test]
fn logs_beyond_their_limit_are_dropped_and_that_is_said_last() {
    let stage = Stage::new();
    let line = "x".repeat(60_000) + "\n";
    let body = "(loop $again
        (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $n) (i32.const 100))))";
    let text = writing(2, &line, body)
        .replace("(func (export \"_start\")", "(func (export \"_start\") (local $n i32)");
    let mut job = job(stage.module(&text));
    job.limits.logs = 1;
    let ended = stage.run_job(job);
    assert_eq!(ended.logs.len(), 17 + 2);
    assert_eq!(logs(&ended)[17], DEV_LOG);
    assert_eq!(ended.logs[18].text, logs_truncated(1 << 20));
}

#[test]
fn an_action_that_wants_no_logs_has_none() {
    let stage = Stage::new();
    let mut job = job(stage.module(&writing(1, "one\ntwo\n", "unreachable")));
    job.limits.logs = 0;
    let ended = stage.run_job(job);
    assert_error(&ended, DeveloperError, EXITED);
    assert_eq!(ended.logs, []);
    assert!(!LOGS_AFTER_DEVELOPER_ERROR.is_empty());
}

#[test]
fn a_result_that_may_be_long_is_kept_though_there_is_no_room_for_logs() {
    let stage = Stage::new();
    let mut job = job(stage.module(ECHO));
    job.limits.logs = 0;
    let long = format!("{{\"a\":\"{}\"}}", "y".repeat(1_000_000));
    job.arguments = Json::parse(long.as_bytes()).unwrap();
    // One call writes only a part.
    let text = ECHO.replace(
        "(drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))",
        "(loop $again
           (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
           (i32.store (i32.const 0)
             (i32.add (i32.load (i32.const 0)) (i32.load (i32.const 8))))
           (i32.store (i32.const 4)
             (i32.sub (i32.load (i32.const 4)) (i32.load (i32.const 8))))
           (br_if $again (i32.load (i32.const 4))))",
    );
    job.code = stage.module(&text);
    assert_eq!(told(&stage.run_job(job)), (Success, long));
}
