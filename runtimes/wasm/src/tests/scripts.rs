//! Scripts: what an image holds and never holds, and what a script finds in every call.

use std::sync::Arc;

use invoker::driver::{Ended, Job, StartState};
use model::json::Json;
use model::outcome::Class;

use super::stage::{Stage, assert_error, job, logs, told};

fn script(stage: &Stage, text: &str) -> Job {
    Job { kind: "nodejs:20".to_owned(), ..job(stage.store(text.to_owned())) }
}

fn run(stage: &Stage, text: &str) -> Ended {
    stage.run_job(script(stage, text))
}

/// Class and result of a script.
fn ran(text: &str) -> (Class, String) {
    told(&run(&Stage::new(), text))
}

#[track_caller]
fn result(ended: &Ended) -> String {
    let (class, result) = told(ended);
    assert_eq!(class, Class::Success, "{result} {:?}", ended.logs);
    result
}

fn begun(ended: &Ended) -> (Option<&str>, StartState) {
    (ended.started_from.as_deref(), ended.state)
}

#[test]
fn a_counter_at_top_level_is_one_in_every_call() {
    let stage = Stage::new();
    let text = "let count = 0; globalThis.all = []; console.log('top');
                function main() { all.push(++count); return { count, all } }";
    let first = run(&stage, text);
    assert_eq!(begun(&first), (Some("eval"), StartState::Cold));
    assert_eq!(logs(&first), ["stdout: top"]);
    for _ in 0..3 {
        let again = run(&stage, text);
        assert_eq!(result(&again), r#"{"count":1,"all":[1]}"#);
        assert_eq!(begun(&again), (Some("image"), StartState::Warmed));
        assert_eq!(logs(&again), [""; 0], "what the top level logged appears once");
    }
}
