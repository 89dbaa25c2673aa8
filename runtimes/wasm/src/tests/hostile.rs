//! Guests that want to harm: each ends with its status and text, and the driver is as before.

use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use invoker::driver::{Driver as _, Job, Outcome};
use model::name::Namespace;
use model::outcome::Class::{ApplicationError, DeveloperError, InternalError, Success};
use model::outcome::{EXITED, NO_CAPACITY, OUT_OF_MEMORY, bad_answer, time_limit};
use model::size::ByteSize;
use model::time::Millis;

use super::stage::{
    PATIENCE, Stage, answer, assert_error, config, job, logs, outside, told, writing,
};
use crate::engine::Allocation;

const HELLO: &str = "{\"hello\":\"Ann\"}";

/// Tests that measure do so one at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[track_caller]
fn assert_unharmed(stage: &Stage) {
    assert_eq!(told(&stage.run(&writing(1, HELLO, ""))), (Success, HELLO.to_owned()));
    let usage = stage.driver.usage();
    assert_eq!((usage.instances, usage.memory), (0, 0));
}

fn looping(stage: &Stage) -> Job {
    job(stage.module(r#"(module (memory 1) (func (export "_start") (loop br 0)))"#))
}

#[test]
fn an_endless_loop_is_ended_at_its_time() {
    let stage = Stage::new();
    let mut job = looping(&stage);
    job.limits.timeout = Millis(150);
    let ended = stage.run_job(job);
    assert_error(&ended, DeveloperError, &time_limit(150));
    assert_unharmed(&stage);
}

#[test]
fn a_host_call_that_never_returns_is_ended_at_its_time_and_holds_no_thread() {
    let stage = Stage::with(|config| config.threads = 1);
    let sleeper = writing(1, "", "").replace(
        "(func (export \"_start\")",
        "(func (export \"_start\")
           (i32.store (i32.const 528) (i32.const 1))
           (i64.store (i32.const 536) (i64.const -1))
           (drop (call $poll (i32.const 512) (i32.const 600) (i32.const 1) (i32.const 700)))",
    );
    let sleeper = sleeper.replace(
        "(memory (export",
        r#"(import "wasi_snapshot_preview1" "poll_oneoff"
             (func $poll (param i32 i32 i32 i32) (result i32)))
           (memory (export"#,
    );
    let mut asleep = job(stage.module(&sleeper));
    asleep.limits.timeout = Millis(300);
    let (ended, _stop) = stage.start(asleep);
    // There is but one thread, and another guest runs on it meanwhile.
    assert_eq!(told(&stage.run(&writing(1, HELLO, ""))), (Success, HELLO.to_owned()));
    assert!(ended.try_recv().is_err(), "it sleeps on");
    let ended = ended.recv_timeout(PATIENCE).unwrap();
    assert_error(&ended, DeveloperError, &time_limit(300));
    assert!(answer(&ended).timeout);
    assert_unharmed(&stage);
}

#[test]
fn a_stop_ends_loops_sleepers_and_what_waits() {
    let stage = Stage::with(|config| config.threads = 1);
    let (first, stop_first) = stage.start(looping(&stage));
    let (second, stop_second) = stage.start(looping(&stage));
    stop_second.stop();
    stop_first.stop();
    stop_first.stop();
    for ended in [first, second] {
        assert_eq!(ended.recv_timeout(PATIENCE).unwrap().outcome, Outcome::Stopped);
    }
    assert_unharmed(&stage);
}

#[test]
fn dropping_the_driver_ends_all_runs_and_tells_of_each() {
    let stage = Stage::new();
    let runs: Vec<_> = (0..6).map(|_| stage.start(looping(&stage)).0).collect();
    drop(stage);
    for ended in runs {
        assert_eq!(ended.recv_timeout(PATIENCE).unwrap().outcome, Outcome::Stopped);
    }
}

#[test]
fn a_panic_of_the_host_ends_one_run_and_nothing_else() {
    let mut outside = outside();
    outside.fill_random = |_| panic!("as planned");
    let folder = tempfile::tempdir().unwrap();
    let stage =
        Stage::seeing(outside, &config(), Allocation::Pooling, std::sync::Arc::default(), folder);
    for _ in 0..5 {
        let ended = stage.run(
            r#"(module
              (import "wasi_snapshot_preview1" "random_get"
                (func $call (param i32 i32) (result i32)))
              (memory (export "memory") 1)
              (func (export "_start") (drop (call $call (i32.const 0) (i32.const 1)))))"#,
        );
        assert_error(&ended, InternalError, NO_CAPACITY);
    }
    assert_unharmed(&stage);
}

#[test]
fn a_memory_bomb_gets_no_more_than_its_limit() {
    let stage = Stage::new();
    let bomb = r#"(module (memory 1) (func (export "_start") (local $at i32)
        (loop $again
          (local.set $at (i32.mul (memory.size) (i32.const 65536)))
          (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))
          (i32.store (local.get $at) (i32.const 1))
          (br $again))))"#;
    let mut job = job(stage.module(bomb));
    job.limits.memory = 128;
    assert_error(&stage.run_job(job), DeveloperError, OUT_OF_MEMORY);
    assert_unharmed(&stage);
}

#[test]
fn a_table_bomb_gets_no_more_than_its_limit() {
    let stage = Stage::new();
    let bomb = |then: &str| {
        format!(
            r#"(module (table 1 funcref) (func (export "_start")
                (loop $again
                  (br_if $again (i32.ne (table.grow (ref.null func) (i32.const 1000)) (i32.const -1))))
                {then}))"#
        )
    };
    assert_error(&stage.run(&bomb("unreachable")), DeveloperError, OUT_OF_MEMORY);
    // It may live on with what it has.
    assert_error(&stage.run(&bomb("")), DeveloperError, &bad_answer(""));
    let huge = r#"(module (table 9000000 funcref) (func (export "_start")))"#;
    let (class, _) = told(&stage.run(huge));
    assert_eq!(class, DeveloperError);
    assert_unharmed(&stage);
}

#[test]
fn output_without_an_end_is_counted_and_costs_no_memory() {
    let stage = Stage::new();
    for stream in [1, 2] {
        let flood = writing(
            stream,
            &"x".repeat(50_000),
            "(loop $again
               (drop (call $write (i32.const STREAM) (i32.const 0) (i32.const 1) (i32.const 8)))
               (local.set $n (i32.add (local.get $n) (i32.const 1)))
               (br_if $again (i32.lt_u (local.get $n) (i32.const 2000))))",
        )
        .replace("STREAM", &stream.to_string())
        .replace("(func (export \"_start\")", "(func (export \"_start\") (local $n i32)");
        let mut job = job(stage.module(&flood));
        job.limits.logs = 1;
        let ended = stage.run_job(job);
        let (class, text) = told(&ended);
        if stream == 1 {
            assert_eq!(class, ApplicationError);
            assert!(
                text.contains("allowed length: 100050000 > 1048576 bytes."),
                "{}",
                &text[..200]
            );
            assert!(text.len() < 1_100_000);
        } else {
            assert_error(&ended, DeveloperError, &bad_answer(""));
            assert!(logs(&ended).last().unwrap().contains("Logs were truncated"));
        }
        assert_unharmed(&stage);
    }
}

#[test]
fn output_that_the_budget_cannot_hold_ends_the_attempt() {
    let stage = Stage::with(|config| config.wasm_memory = ByteSize::mib(5));
    let flood = writing(
        1,
        &"x".repeat(50_000),
        "(loop $again
        (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))
        (br $again))",
    );
    assert_eq!(stage.run(&flood).outcome, Outcome::OutOfBudget);
    assert_unharmed(&stage);
}

#[test]
fn recursion_without_an_end_is_a_trap() {
    let stage = Stage::new();
    let deep = r#"(module (func $f (param i64 i64 i64 i64) (result i64)
          (i64.add (call $f (local.get 1) (local.get 2) (local.get 3) (local.get 0)) (i64.const 1)))
        (func (export "_start")
          (drop (call $f (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4)))))"#;
    let ended = stage.run(deep);
    assert_error(&ended, DeveloperError, EXITED);
    let logs = logs(&ended);
    assert_eq!(logs[0], "stderr: wasm trap: call stack exhausted");
    assert!(logs.len() < 40, "the backtrace is bounded: {}", logs.len());
    assert_unharmed(&stage);
}

#[test]
fn nothing_of_one_call_is_there_for_the_next() {
    for allocation in [Allocation::Pooling, Allocation::OnDemand] {
        let stage = Stage::of(&config(), allocation);
        // It fails if its memory is not zero, its global or table is not as it was at the start,
        // and then writes all over them, beyond its first pages and beyond what is kept resident.
        let spy = writing(
            1,
            HELLO,
            r#"(if (global.get $seen) (then unreachable))
               (if (i32.eqz (ref.is_null (table.get (i32.const 0)))) (then unreachable))
               (drop (memory.grow (i32.const 100)))
               (local.set $at (i32.const 65536))
               (loop $again
                 (if (i32.load (local.get $at)) (then unreachable))
                 (i32.store (local.get $at) (i32.const 0x5ec7e7))
                 (local.set $at (i32.add (local.get $at) (i32.const 512)))
                 (br_if $again (i32.lt_u (local.get $at) (i32.const 6600000))))
               (global.set $seen (i32.const 1))
               (table.set (i32.const 0) (ref.func $nothing))
               (i32.store (i32.const 1024) (i32.const 0))"#,
        )
        .replace("(func (export \"_start\")", "(func (export \"_start\") (local $at i32)")
        .replace(
            "(data",
            "(global $seen (mut i32) (i32.const 0)) (elem declare func $nothing) (data",
        );
        let code = stage.module(&spy);
        for _ in 0..50 {
            assert_eq!(told(&stage.run_job(job(code))), (Success, HELLO.to_owned()));
        }
        // Nor for the call of another module in the same slot.
        let other = stage.module(&spy.replace("0x5ec7e7", "0x5ec7e8"));
        for _ in 0..20 {
            assert_eq!(told(&stage.run_job(job(other))), (Success, HELLO.to_owned()));
            assert_eq!(told(&stage.run_job(job(code))), (Success, HELLO.to_owned()));
        }
    }
}

/// Starts a hello of another tenant whenever the one before has ended, `count` times, and returns
/// how long each took.
fn hellos(stage: &Stage, count: usize) -> Vec<Duration> {
    let code = stage.module(&writing(1, HELLO, ""));
    let now = outside().now_mono;
    let mut took: Vec<_> = (0..count)
        .map(|_| {
            let mut job = job(code);
            job.namespace = Namespace::new("modest").unwrap();
            let began = now();
            let ended = stage.run_job(job);
            let took = now() - began;
            assert_eq!(told(&ended), (Success, HELLO.to_owned()));
            took
        })
        .collect();
    took.sort();
    took
}

#[test]
fn hello_of_another_tenant_is_quick_beside_8_endless_loops() {
    let _alone = alone();
    let stage = Stage::new();
    hellos(&stage, 3);
    let loops: Vec<_> = (0..8)
        .map(|_| {
            let mut job = looping(&stage);
            job.limits.timeout = Millis(60_000);
            stage.start(job)
        })
        .collect();
    // All of them run before anything is measured.
    while stage.driver.usage().instances < 8 {
        std::thread::yield_now();
    }
    let took = hellos(&stage, 200);
    for (ended, stop) in loops {
        assert!(ended.try_recv().is_err(), "the loop ran all the while");
        stop.stop();
        assert_eq!(ended.recv_timeout(PATIENCE).unwrap().outcome, Outcome::Stopped);
    }
    let (p50, p99) = (took[100], took[198]);
    println!("hello beside 8 loops: p50 {p50:?}, p99 {p99:?}");
    assert!(p99 <= Duration::from_millis(200), "p50 {p50:?}, p99 {p99:?}");
    assert_unharmed(&stage);
}

#[test]
fn namespaces_share_the_threads_evenly() {
    let _alone = alone();
    let stage = Stage::with(|config| config.threads = 1);
    // Counts up to a number, which takes the same time alone, whoever it is.
    let work = stage.module(&writing(1, "{}", "").replace(
        "(func (export \"_start\")",
        "(func (export \"_start\") (local $n i64)
           (loop $again
             (local.set $n (i64.add (local.get $n) (i64.const 1)))
             (br_if $again (i64.lt_u (local.get $n) (i64.const 100000000))))",
    ));
    let (told, order) = sync_channel(16);
    let start = |namespace: &str, count: usize| {
        for _ in 0..count {
            let mut job = job(work);
            job.namespace = Namespace::new(namespace).unwrap();
            job.limits.timeout = Millis(300_000);
            let (told, name) = (told.clone(), namespace.to_owned());
            stage.driver.run(job, Box::new(move |_| told.send(name).unwrap()));
        }
    };
    start("greedy", 6);
    start("modest", 1);
    let ends = ends(&order, 7);
    let place = ends.iter().position(|name| name == "modest").unwrap();
    // Having half of the thread, it is through when the six others together have done as much.
    assert!(place <= 2, "{ends:?}");
}

fn ends(order: &Receiver<String>, count: usize) -> Vec<String> {
    (0..count).map(|_| order.recv_timeout(Duration::from_secs(300)).unwrap()).collect()
}

#[test]
fn where_address_space_is_short_instances_are_made_on_demand() {
    // More than 47 bits of address space can hold: the pool cannot be made.
    let mut config = config();
    config.max_instances = 100_000;
    let stage = Stage::of(&config, Allocation::Pooling);
    assert_eq!(stage.driver.allocation(), Allocation::OnDemand);
    assert_unharmed(&stage);
    assert_eq!(Stage::new().driver.allocation(), Allocation::Pooling);
}

#[test]
fn limits_hold_without_a_pool_too() {
    let stage = Stage::of(&config(), Allocation::OnDemand);
    let mut timeout = looping(&stage);
    timeout.limits.timeout = Millis(100);
    assert_error(&stage.run_job(timeout), DeveloperError, &time_limit(100));
    let grow = r#"(module (memory 1) (func (export "_start")
        (if (i32.eq (memory.grow (i32.const 9000)) (i32.const -1)) (then unreachable))))"#;
    assert_error(&stage.run(grow), DeveloperError, OUT_OF_MEMORY);
    let beyond = writing(1, "", "(drop (i32.load (i32.const -1)))");
    assert_error(&stage.run(&beyond), DeveloperError, EXITED);
    assert_unharmed(&stage);
}
