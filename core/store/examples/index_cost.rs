//! What the index costs: processor time per row written, time of reads, memory, time of a start.
//!
//! `cargo run --release -p quirl-store --example index_cost -- [rows] [rows per batch] [namespaces] [rows per second]`.
//! Ends with a process of its own that opens what was written: `index_cost open FOLDER`.
#![expect(clippy::print_stdout, reason = "a program that prints what it measured")]
#![expect(clippy::disallowed_methods, reason = "it measures itself; `store` does not use `daemon`")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use model::activation::{Ran, Row};
use model::id::{ActivationId, Offset, Shard};
use model::limits::ActionLimits;
use model::name::Namespace;
use model::outcome::Class;
use model::time::WallTime;
use quirl_store::index::{Checkpoint, Index, Query};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, command, folder] = arguments.as_slice()
        && command == "open"
    {
        let before = resident_kib();
        let start = Instant::now();
        let _index = Index::open(folder.as_ref()).expect("open");
        let ms = start.elapsed().as_secs_f64() * 1e3;
        println!("start of a process: {ms:.0} ms, {before} -> {} KiB resident", resident_kib());
        return;
    }
    let mut numbers = std::env::args().skip(1).map(|it| it.parse::<u64>().expect("a number"));
    let rows = numbers.next().unwrap_or(1_000_000);
    let per_batch = numbers.next().unwrap_or(2_000);
    let namespaces = numbers.next().unwrap_or(1);
    let pace = numbers.next(); // as fast as it goes, if there is none
    let folder = std::env::temp_dir().join(format!("index-cost-{}", std::process::id()));
    let index = Index::open(&folder).expect("open");
    println!("open: {} KiB resident", resident_kib());

    let (mut making, start) = (0.0, (Instant::now(), cpu_seconds()));
    for first in (0..rows).step_by(usize::try_from(per_batch).expect("small")) {
        let before = cpu_seconds();
        let batch: Vec<_> = (first..first + per_batch).map(|n| row(n, n % namespaces)).collect();
        making += cpu_seconds() - before;
        let offset = Offset((first + per_batch) * 2);
        index.write(&batch, Checkpoint { ledger: 1, offset, crc: 2 }).expect("write");
        if let Some(due) = pace.map(|pace| Duration::from_secs_f64(first as f64 / pace as f64)) {
            std::thread::sleep(due.saturating_sub(start.0.elapsed()));
        }
    }
    let (wall, cpu) = (start.0.elapsed().as_secs_f64(), cpu_seconds() - start.1 - making);
    let per_row = cpu / rows as f64 * 1e6;
    println!("write: {:.2} s, {per_row:.2} µs of processor per row, all threads", wall - making);
    println!(
        "       {} KiB resident, {} bytes per row on disk",
        resident_kib(),
        index.disk_space() / rows
    );

    let query = |skip, limit| Query {
        namespace: namespace(0),
        name: None,
        after: Offset::NONE,
        since: None,
        upto: None,
        skip,
        limit,
    };
    let time = |what: &str, times: u32, work: &mut dyn FnMut(u32)| {
        let start = Instant::now();
        (0..times).for_each(work);
        println!("{what}: {:.1} µs", start.elapsed().as_secs_f64() * 1e6 / f64::from(times));
    };
    time("row by id", 20_000, &mut |n| {
        let n = u64::from(n) * 7_919 % rows;
        index.row(row(n, 0).id).expect("read").expect("there");
    });
    time("page of 30", 500, &mut |_| {
        assert_eq!(index.list(&query(0, 30)).expect("read").len(), 30);
    });
    time("page of 200", 500, &mut |_| drop(index.list(&query(0, 200)).expect("read")));
    time("page of 200 behind 100,000", 5, &mut |_| {
        drop(index.list(&query(100_000, 200)).expect("read"));
    });
    time("count of all", 3, &mut |_| assert!(index.count(&query(0, 0)).expect("read") > 0));
    let named = Query { name: Some("etl/rare".to_owned()), ..query(0, 30) };
    time("page of a name that never ran", 3, &mut |_| drop(index.list(&named).expect("read")));
    let old = Query { upto: Some(WallTime(BEGIN + 1_000)), ..query(0, 200) };
    time("page of the oldest second", 20, &mut |_| drop(index.list(&old).expect("read")));
    time("each of all", 1, &mut |_| index.each(&query(0, 0), &mut |_| ()).expect("read"));
    println!("after reads: {} KiB resident", resident_kib());
    time("retention of a tenth", 1, &mut |_| {
        index.remove_through(Offset(rows / 5)).expect("remove");
    });
    drop(index);
    let this = std::env::current_exe().expect("this program");
    let open = std::process::Command::new(this).arg("open").arg(&folder).status();
    assert!(open.expect("start").success());
    std::fs::remove_dir_all(&folder).expect("remove");
}

const BEGIN: i64 = 1_704_067_200_000;

fn namespace(number: u64) -> Namespace {
    Namespace::new(&format!("tenant{number}")).expect("a name")
}

fn row(number: u64, tenant: u64) -> Arc<Row> {
    let mut id = [0; 16];
    let mixed = u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    id.copy_from_slice(&mixed.to_be_bytes());
    // 20,000 a second, each 40 ms to 140 ms long.
    let end = BEGIN + i64::try_from(number / 20).expect("small");
    let start = WallTime(end - 40 - i64::try_from(number * 31 % 100).expect("small"));
    Arc::new(Row {
        id: ActivationId::new(Shard::new(77), id),
        namespace: namespace(tenant),
        subject: "guest-subject".to_owned(),
        name: "hello".to_owned(),
        version: "0.0.1".to_owned(),
        ran: Some(Ran {
            path: format!("tenant{tenant}/etl/hello"),
            binding: None,
            kind: "nodejs:20".to_owned(),
            limits: Some(ActionLimits::default()),
            topmost: None,
            wait_ms: 2,
            init_ms: None,
            timeout: Some(false),
            started_from: Some("image".to_owned()),
            began: true,
        }),
        cause: None,
        start,
        end: Some(WallTime(end)),
        duration_us: 41_000,
        class: Class::Success,
        outcome: None,
        children: vec![],
        records: vec![Offset(number * 2), Offset(number * 2 + 1)],
        terminal: Offset(number * 2 + 1),
        stored: true,
    })
}

fn cpu_seconds() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").expect("tasks").flatten();
    let ns = tasks.filter_map(|task| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<f64>().ok()
    });
    ns.sum::<f64>() / 1e9
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    line.split_whitespace().next().expect("number").parse().expect("number")
}
