//! What an index promises, on a temporary folder.

use std::collections::BTreeMap;
use std::fs;

use model::activation::Ran;
use model::id::Shard;
use model::outcome::Class;
use tempfile::TempDir;

use super::*;

/// A row of `guest` that ended at `terminal`.
fn row(number: u64, start: i64, terminal: u64, name: &str) -> Row {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    Row {
        id: ActivationId::new(Shard::new(5), id),
        namespace: namespace("guest"),
        subject: "ann".to_owned(),
        name: name.rsplit('/').next().unwrap().to_owned(),
        version: "0.0.1".to_owned(),
        ran: Some(Ran {
            path: format!("guest/{name}"),
            binding: None,
            kind: "nodejs:20".to_owned(),
            limits: None,
            topmost: None,
            wait_ms: 1,
            init_ms: None,
            timeout: Some(false),
            started_from: None,
            began: true,
        }),
        cause: None,
        start: WallTime(start),
        end: Some(WallTime(start + 5)),
        duration_us: 5_000,
        class: Class::Success,
        outcome: None,
        children: vec![],
        records: vec![Offset(terminal - 1), Offset(terminal)],
        terminal: Offset(terminal),
        stored: true,
    }
}

fn namespace(name: &str) -> Namespace {
    Namespace::new(name).unwrap()
}

fn at(offset: u64) -> Checkpoint {
    Checkpoint { ledger: 7, offset: Offset(offset), crc: 3 }
}

fn all(name: &str) -> Query {
    let namespace = namespace(name);
    let after = Offset::NONE;
    Query { namespace, name: None, after, since: None, upto: None, skip: 0, limit: 1_000_000 }
}

fn open() -> (TempDir, Index) {
    let folder = TempDir::new().unwrap();
    let index = Index::open(&folder.path().join("index")).unwrap();
    (folder, index)
}

#[track_caller]
fn write(index: &Index, rows: &[Row], offset: u64) {
    let rows: Vec<_> = rows.iter().cloned().map(Arc::new).collect();
    index.write(&rows, at(offset)).unwrap();
}

/// What a list must say, from the rows themselves.
fn model(rows: &[Row], query: &Query) -> Vec<Row> {
    let mut rows: Vec<Row> = rows
        .iter()
        .filter(|row| row.stored && row.namespace == query.namespace)
        .filter(|row| query.name.as_ref().is_none_or(|name| row.filter_name() == *name))
        .filter(|row| query.since.is_none_or(|since| row.start >= since))
        .filter(|row| query.upto.is_none_or(|upto| row.start <= upto))
        .cloned()
        .collect();
    rows.sort_by(|a, b| b.start.cmp(&a.start).then(a.id.cmp(&b.id)));
    rows
}

#[track_caller]
fn check(index: &Index, rows: &[Row], query: &Query) {
    let expected = model(rows, query);
    assert_eq!(index.count(query).unwrap(), u64::try_from(expected.len()).unwrap(), "{query:?}");
    let page: Vec<Row> = expected.iter().skip(query.skip).take(query.limit).cloned().collect();
    assert_eq!(index.list(query).unwrap(), page, "{query:?}");
    let mut each = Vec::new();
    index.each(query, &mut |row| each.push(row)).unwrap();
    assert_eq!(model(&each, query), expected, "{query:?}");
}

/// Every kind of query over these rows.
#[track_caller]
fn check_all(index: &Index, rows: &[Row]) {
    for name in ["guest", "guest2", "gues", "nobody"] {
        check(index, rows, &all(name));
        for filter in ["hello", "etl/load", "load", "none"] {
            check(index, rows, &Query { name: Some(filter.to_owned()), ..all(name) });
        }
        for (since, upto) in
            [(Some(0), None), (None, Some(50_000)), (Some(-5), Some(70_000)), (Some(9), Some(8))]
        {
            let (since, upto) = (since.map(WallTime), upto.map(WallTime));
            check(index, rows, &Query { since, upto, ..all(name) });
            check(index, rows, &Query { since, upto, skip: 3, limit: 4, ..all(name) });
        }
        for skip in [0, 1, 7, 1_000] {
            check(index, rows, &Query { skip, limit: 5, ..all(name) });
        }
    }
    for row in rows {
        assert_eq!(index.row(row.id).unwrap().as_ref(), Some(row));
    }
}

/// Rows as a busy server has them: two namespaces, starts out of order, some very long runs.
fn many(count: u64) -> Vec<Row> {
    let mut state = 1_u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) % below
    };
    (0..count)
        .map(|number| {
            let long = if random(20) == 0 { random(200_000) } else { random(100) };
            let start = i64::try_from(number * 20).unwrap() - i64::try_from(long).unwrap();
            let name = ["hello", "etl/load", "load"][usize::try_from(random(3)).unwrap()];
            let mut row = row(number, start, 2 * number + 2, name);
            if random(3) == 0 {
                row.namespace = namespace("guest2");
            }
            row.stored = random(10) != 0;
            row
        })
        .collect()
}

#[test]
fn rows_are_found_by_id_and_listed_newest_first() {
    for per_batch in [1, 7, 1_000] {
        let (folder, index) = open();
        let rows = many(1_000);
        for batch in rows.chunks(per_batch) {
            write(&index, batch, batch.last().unwrap().terminal.0);
        }
        check_all(&index, &rows);
        drop(index);
        let again = Index::open(&folder.path().join("index")).unwrap();
        assert_eq!((again.begun_anew(), again.checkpoint()), (None, Some(at(2_000))));
        check_all(&again, &rows);
    }
}

#[test]
fn i14_applying_a_range_of_the_log_again_changes_nothing() {
    let (folder, index) = open();
    let rows = many(600);
    write(&index, &rows[..400], 800);
    write(&index, &rows[300..], 1_200);
    write(&index, &rows[100..500], 1_000); // a checkpoint may go backwards
    assert_eq!(index.checkpoint(), Some(at(1_000)));
    check_all(&index, &rows);
    write(&index, &rows[499..], 1_200);
    drop(index);
    check_all(&Index::open(&folder.path().join("index")).unwrap(), &rows);
}

#[test]
fn ranges_may_come_in_any_order() {
    let (_folder, index) = open();
    let rows = many(600);
    write(&index, &rows[400..], 1_200);
    write(&index, &rows[..400], 1_200);
    check_all(&index, &rows);
}

#[test]
fn a_row_that_is_written_again_takes_the_place_of_the_old_one() {
    let (_folder, index) = open();
    let mut rows = many(300);
    write(&index, &rows, 600);
    rows[17].start = WallTime(1_000_000);
    rows[17].namespace = namespace("guest");
    rows[17].stored = true;
    rows[200].ran = None;
    rows[200].name = "renamed".to_owned();
    write(&index, &[rows[17].clone(), rows[200].clone()], 600);
    check_all(&index, &rows);
    // In one batch the last one counts.
    let (older, newer) = (row(9_999, 1, 700, "older"), row(9_999, 2, 700, "newer"));
    write(&index, &[older, newer.clone()], 700);
    rows.push(newer);
    check_all(&index, &rows);
}

#[test]
fn retention_removes_what_points_into_removed_segments() {
    let (folder, index) = open();
    let rows = many(1_000);
    for batch in rows.chunks(100) {
        write(&index, batch, batch.last().unwrap().terminal.0);
    }
    for (through, gone) in
        [(Offset(0), 0), (Offset(301), 100), (Offset(1_200), 500), (Offset(9), 0)]
    {
        let removed = index.remove_through(through).unwrap();
        assert_eq!(removed, gone, "whole chunks of 100 rows");
    }
    let kept: Vec<Row> = rows.iter().filter(|row| row.first() > Offset(1_200)).cloned().collect();
    let check_kept = |index: &Index| {
        check_all(index, &kept);
        for row in rows.iter().filter(|row| row.first() <= Offset(1_200)) {
            assert_eq!(index.row(row.id).unwrap(), None);
        }
        assert_eq!(index.floor(), Offset(1_200));
    };
    check_kept(&index);
    // Rows of removed segments do not come back with a rebuild that still has them.
    write(&index, &rows, 2_000);
    check_kept(&index);
    drop(index);
    check_kept(&Index::open(&folder.path().join("index")).unwrap());
}

#[test]
fn a_cleared_index_is_empty_and_can_be_filled_again() {
    let (folder, index) = open();
    let rows = many(300);
    write(&index, &rows, 600);
    index.remove_through(Offset(100)).unwrap();
    index.clear().unwrap();
    assert_eq!((index.checkpoint(), index.floor()), (None, Offset(0)));
    check(&index, &[], &all("guest"));
    assert_eq!(index.row(rows[299].id).unwrap(), None);
    write(&index, &rows, 600);
    check_all(&index, &rows);
    drop(index);
    let again = Index::open(&folder.path().join("index")).unwrap();
    assert_eq!(again.begun_anew(), None);
    check_all(&again, &rows);
}

#[test]
fn an_index_that_was_being_cleared_is_begun_anew() {
    let (folder, index) = open();
    write(&index, &many(10), 20);
    index.shared.store.ids.clear().unwrap(); // and then the power went
    drop(index);
    let again = Index::open(&folder.path().join("index")).unwrap();
    assert!(again.begun_anew().is_some());
    check(&again, &[], &all("guest"));
}

#[test]
fn a_killed_process_leaves_rows_and_checkpoint_that_belong_together() {
    let (folder, index) = open();
    let rows = many(2_000);
    for batch in rows.chunks(100) {
        write(&index, batch, batch.last().unwrap().terminal.0);
    }
    // Everything that was written is with the operating system; a copy now is what a kill leaves.
    let left = folder.path().join("left");
    copy_tree(&folder.path().join("index"), &left);
    let journal = files_below(&left).into_iter().find(|file| file.ends_with(".jnl")).unwrap();
    let whole = journal_of(&left.join(&journal));
    let mut ends = std::collections::BTreeSet::new();
    for cut in [0, 1, 100, 5_000, 20_000, 60_000] {
        let copy = TempDir::new().unwrap();
        copy_tree(&left, copy.path());
        fs::write(copy.path().join(&journal), &whole[..whole.len() - cut]).unwrap();
        let again = Index::open(copy.path()).unwrap();
        let reached = again.checkpoint().unwrap().offset;
        let (there, missing): (Vec<_>, Vec<_>) =
            rows.iter().cloned().partition(|row| row.terminal <= reached);
        check_all(&again, &there);
        for row in &missing {
            assert_eq!(again.row(row.id).unwrap(), None, "cut {cut}");
        }
        write(&again, &missing, 4_000);
        check_all(&again, &rows);
        ends.insert(reached);
    }
    assert_eq!(ends.last(), Some(&Offset(4_000)), "uncut, nothing is missing");
    assert!(ends.len() > 2, "{ends:?}");
}

#[test]
fn two_servers_cannot_have_one_index() {
    let (folder, index) = open();
    write(&index, &many(10), 20);
    let path = folder.path().join("index");
    let error = Index::open(&path).err().unwrap();
    assert!(matches!(error, Error::Locked { .. }), "{error}");
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    check_all(&index, &many(10));
}

#[test]
fn a_damaged_index_is_begun_anew_or_tells_it_when_it_is_read() {
    let rows = many(4_000);
    let (folder, index) = open();
    // So that there are tables besides the journal, and rows that are only in the journal.
    for half in rows.chunks(2_000) {
        for batch in half.chunks(500) {
            write(&index, batch, batch.last().unwrap().terminal.0);
        }
        let store = &index.shared.store;
        for keyspace in [&store.rows, &store.lists, &store.ids] {
            if half[0] == rows[0] {
                keyspace.rotate_memtable_and_wait().unwrap();
            }
        }
    }
    drop(index);
    let path = folder.path().join("index");
    let files = files_below(&path);
    assert!(files.len() > 5, "{files:?}");
    for journal in files.iter().filter(|file| file.ends_with(".jnl")) {
        fs::write(path.join(journal), journal_of(&path.join(journal))).unwrap();
    }
    let mut ends: BTreeMap<&str, usize> = BTreeMap::new();
    let harms = ["deleted", "empty", "cut", "flipped"];
    for (number, file) in files.iter().enumerate() {
        // Each file in two ways, each way with half of the files: an index begun anew takes a while.
        for harm in [harms[number % 4], harms[(number + 1 + number / 4) % 4]] {
            let copy = TempDir::new().unwrap();
            copy_tree(&path, copy.path());
            do_harm(&copy.path().join(file), harm);
            let index = Index::open(copy.path()).unwrap();
            let end = match (index.begun_anew(), read_all(&index, &rows)) {
                (Some(_), Ok(found)) => {
                    assert_eq!(found, 0, "{file} {harm}");
                    "begun anew"
                }
                (None, Ok(found)) if found == rows.len() => "unharmed",
                (None, Ok(_)) => {
                    // A journal that was cut: fewer rows, and the checkpoint says so.
                    assert_ne!(index.checkpoint(), Some(at(8_000)), "{file} {harm}");
                    "further back"
                }
                (None, Err(Error::Damaged { .. })) => {
                    index.clear().unwrap();
                    write(&index, &rows[..10], 20);
                    check_all(&index, &rows[..10]);
                    "told when read"
                }
                (_, Err(error)) => panic!("{file} {harm}: {error}"),
            };
            *ends.entry(end).or_default() += 1;
        }
    }
    println!("{ends:?}");
    assert!(ends.contains_key("begun anew"), "{ends:?}");
}

/// What is in a journal: the file is made larger in advance.
fn journal_of(file: &Path) -> Vec<u8> {
    let mut bytes = fs::read(file).unwrap();
    bytes.truncate(bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
    bytes
}

/// How many of the rows are found; all reads are tried. A panic of the database counts as damage.
fn read_all(index: &Index, rows: &[Row]) -> Result<usize, Error> {
    let mut found = 0;
    for row in rows {
        let read = index.row(row.id)?;
        assert!(read.is_none() || read.as_ref() == Some(row), "damage is not passed off as a row");
        found += usize::from(read.is_some());
    }
    for name in ["guest", "guest2"] {
        index.each(&all(name), &mut |_| ())?;
    }
    Ok(found)
}

fn do_harm(file: &Path, harm: &str) {
    let mut bytes = fs::read(file).unwrap();
    match harm {
        "deleted" => return fs::remove_file(file).unwrap(),
        "empty" => bytes.clear(),
        "cut" => bytes.truncate(bytes.len() / 2),
        _ => {
            let middle = bytes.len() / 2;
            if let Some(byte) = bytes.get_mut(middle) {
                *byte ^= 0x10;
            }
        }
    }
    fs::write(file, bytes).unwrap();
}

fn files_below(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            files.extend(files_below(&entry.path()).iter().map(|below| format!("{name}/{below}")));
        } else if name != "lock" {
            files.push(name);
        }
    }
    files
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_row_begins_with_its_id() {
    // `Chunk::row_of` relies on it.
    let row = row(3, 1, 2, "hello");
    assert!(chunk::encode(&row).starts_with(row.id.as_bytes()));
}
