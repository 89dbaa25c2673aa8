//! What `/metrics` shows.

use super::*;

fn metrics(actions: usize) -> Metrics {
    Metrics::new(Build { version: "0.1.0", commit: "abc", durability: "sync" }, actions)
}

fn lines_with<'a>(text: &'a str, part: &str) -> Vec<&'a str> {
    text.lines().filter(|line| line.contains(part) && !line.starts_with('#')).collect()
}

fn run(metrics: &Metrics, name: &str) {
    let action = Action {
        namespace: "guest",
        initiator: "guest",
        action: name,
        kind: "nodejs:20",
        memory_mb: 256,
    };
    let ended = Ended {
        status: Status::Success,
        wait: 0.001,
        init: Some(0.002),
        duration: 0.01,
        response_size: 20,
    };
    metrics.actions.ended(action, ended);
}

#[test]
fn every_name_of_the_contract_is_there() {
    let metrics = metrics(10);
    // What has no value yet is not shown.
    for of_three in [&metrics.http_requests, &metrics.starts] {
        of_three.with([""; 3]);
    }
    for of_two in [&metrics.activations_ended, &metrics.throttled, &metrics.ledger_void] {
        of_two.with([""; 2]);
    }
    for of_two in [&metrics.http_request_seconds, &metrics.wait_seconds, &metrics.run_seconds] {
        of_two.with([""; 2]);
    }
    for of_one in [
        &metrics.namespace_in_flight,
        &metrics.ledger_applied_offset,
        &metrics.ledger_bytes,
        &metrics.ledger_snapshot_age_seconds,
        &metrics.index_lag_records,
    ] {
        of_one.with([""]);
    }
    metrics.ledger_records.with([""]);
    run(&metrics, "a");
    let text = metrics.encode();
    for name in [
        "quirl_http_requests",
        "quirl_http_request_seconds",
        "quirl_bound_used",
        "quirl_bound_limit",
        "quirl_bound_refused",
        "quirl_activations_accepted",
        "quirl_activations_ended",
        "quirl_activations_open",
        "quirl_namespace_in_flight",
        "quirl_throttled",
        "quirl_wait_seconds",
        "quirl_run_seconds",
        "quirl_starts",
        "quirl_attempts",
        "quirl_fold_entries",
        "quirl_idempotent_replays",
        "quirl_ledger_records",
        "quirl_ledger_void",
        "quirl_ledger_sync_seconds",
        "quirl_ledger_apply_seconds",
        "quirl_ledger_applied_offset",
        "quirl_ledger_bytes",
        "quirl_ledger_snapshot_age_seconds",
        "quirl_index_lag_records",
        "quirl_disk_free_bytes",
        "quirl_build",
        "process_cpu_seconds",
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_start_time_seconds",
        "openwhisk_action_activations",
    ] {
        assert!(text.contains(&format!("# TYPE {name} ")), "{name} in {text}");
    }
    assert!(text.ends_with("# EOF\n"));
    assert_eq!(
        lines_with(&text, "quirl_build_info"),
        [r#"quirl_build_info{version="0.1.0",commit="abc",durability="sync"} 1"#]
    );
}

#[test]
fn values_are_shown_under_their_labels() {
    let metrics = metrics(10);
    metrics.bound_used.of(Bound::WasmMemory).set(7);
    set_total(metrics.activations_accepted.of(Cause::Schedule), 41);
    metrics.http_requests.with(["/ping", "GET", "200"]).inc();
    metrics.run_seconds.with(["nodejs:20", "wasm"]).observe(0.000_04);
    let text = metrics.encode();
    for line in [
        r#"quirl_bound_used{bound="wasm_memory"} 7"#,
        r#"quirl_bound_used{bound="disk"} 0"#,
        r#"quirl_activations_accepted_total{cause="schedule"} 41"#,
        r#"quirl_http_requests_total{route="/ping",method="GET",code="200"} 1"#,
        r#"quirl_run_seconds_count{kind="nodejs:20",driver="wasm"} 1"#,
    ] {
        assert!(text.lines().any(|it| it == line), "{line} in {text}");
    }
    let resident = lines_with(&text, "process_resident_memory_bytes")[0];
    let bytes: u64 = resident.rsplit_once(' ').unwrap().1.parse().unwrap();
    assert!(bytes > 1 << 20, "{resident}");
}

#[test]
fn what_is_only_known_when_asked_for_is_set_then() {
    let metrics = metrics(10);
    let free = metrics.disk_free_bytes.clone();
    let asked = AtomicI64::new(0);
    metrics.before_encode(move || {
        free.set(asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    });
    assert_eq!(lines_with(&metrics.encode(), "quirl_disk_free_bytes"), ["quirl_disk_free_bytes 0"]);
    assert_eq!(lines_with(&metrics.encode(), "quirl_disk_free_bytes"), ["quirl_disk_free_bytes 1"]);
}

#[test]
fn only_the_actions_that_ran_last_have_series() {
    let metrics = metrics(2);
    for name in ["a", "b", "a", "c"] {
        run(&metrics, name);
    }
    let text = metrics.encode();
    assert!(lines_with(&text, r#"action="b""#).is_empty(), "{text}");
    let started = lines_with(&text, "openwhisk_action_coldStarts_total");
    assert_eq!(started.len(), 2, "{started:?}");
    assert!(started.iter().any(|line| line.contains(r#"action="a""#) && line.ends_with(" 2")));
}
