//! What a guest finds behind the functions that it may call.

use std::io::{Cursor, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::outcome::Class::Success;

use super::stage::{Stage, job, logs, told, writing};
use crate::host::{NAMES, offers};

/// The error number of one call, made with `/` open if there are `files`.
fn errno(
    stage: &Stage,
    function: &str,
    parameters: &str,
    call: &str,
    files: &[(&str, &str)],
) -> i32 {
    let text = format!(
        r#"(module
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (import "wasi_snapshot_preview1" "{function}"
            (func $call (param {parameters}) (result i32)))
          (memory (export "memory") 1)
          (data (i32.const 0) "\00\01\00\00\10\00\00\00")
          (data (i32.const 256) "data/a.txt")
          (func (export "_start")
            (call $exit (i32.add (i32.const 1000) (call $call {call})))))"#
    );
    let code = if files.is_empty() { stage.module(&text) } else { stage.store(zip(&text, files)) };
    let ended = stage.run_job(job(code));
    let line = logs(&ended).into_iter().find(|line| line.contains("exited with")).unwrap();
    let status: i32 = line.trim_end_matches('.').rsplit(' ').next().unwrap().parse().unwrap();
    status - 1_000
}

fn zip(module: &str, files: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file("main.wasm", options).unwrap();
    zip.write_all(&wat::parse_str(module).unwrap()).unwrap();
    for (name, content) in files {
        zip.start_file(*name, options).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    STANDARD.encode(zip.finish().unwrap().into_inner()).into_bytes()
}

fn constants(values: &[i64], types: &str) -> String {
    let types = types.split_whitespace();
    types.zip(values).map(|(kind, value)| format!("({kind}.const {value})")).collect()
}

#[test]
fn every_function_of_preview_1_can_be_imported_and_none_of_another_name() {
    let names = NAMES.len();
    assert_eq!(names, 46);
    assert!(offers("wasi_snapshot_preview1", "fd_write"));
    assert!(!offers("wasi_unstable", "fd_write"));
    assert!(!offers("wasi_snapshot_preview1", "fd_wrote"));
    let engine = wasmtime::Engine::default();
    let linker = crate::host::linker(&engine).unwrap();
    for name in NAMES {
        // A wrong type is a complaint about the type: the name is there.
        let text = format!(
            "(module (import \"wasi_snapshot_preview1\" \"{name}\" (func (param f64 f64 f64))))"
        );
        let module = wasmtime::Module::new(&engine, wat::parse_str(text).unwrap()).unwrap();
        let error = linker.instantiate_pre(&module).err().unwrap();
        assert!(format!("{error:#}").contains("types incompatible"), "{name}: {error:#}");
    }
}

#[test]
fn calls_answer_with_the_number_that_is_due() {
    const BADF: i32 = 8;
    const FAULT: i32 = 21;
    const INVAL: i32 = 28;
    const ISDIR: i32 = 31;
    const NOENT: i32 = 44;
    const NOTDIR: i32 = 54;
    const NOTSOCK: i32 = 57;
    const NOTSUP: i32 = 58;
    const ROFS: i32 = 69;
    const SPIPE: i32 = 70;
    let stage = Stage::new();
    let files = [("data/a.txt", "hello")];
    let cases: &[(&str, &str, &[i64], bool, i32)] = &[
        ("fd_write", "i32 i32 i32 i32", &[1, 0, 1, 8], false, 0),
        ("fd_write", "i32 i32 i32 i32", &[0, 0, 1, 8], false, BADF),
        ("fd_write", "i32 i32 i32 i32", &[77, 0, 1, 8], false, BADF),
        ("fd_write", "i32 i32 i32 i32", &[-1, 0, 1, 8], false, BADF),
        ("fd_write", "i32 i32 i32 i32", &[1, -1, 1, 8], false, FAULT),
        ("fd_write", "i32 i32 i32 i32", &[1, 65_535, 1, 8], false, FAULT),
        ("fd_write", "i32 i32 i32 i32", &[1, 0, 1, -4], false, FAULT),
        ("fd_write", "i32 i32 i32 i32", &[1, 0, -1, 8], false, INVAL),
        ("fd_write", "i32 i32 i32 i32", &[3, 0, 1, 8], true, BADF),
        ("fd_pwrite", "i32 i32 i32 i64 i32", &[1, 0, 1, 0, 8], false, SPIPE),
        ("fd_pwrite", "i32 i32 i32 i64 i32", &[3, 0, 1, 0, 8], true, ROFS),
        ("fd_read", "i32 i32 i32 i32", &[0, 0, 1, 8], false, 0),
        ("fd_read", "i32 i32 i32 i32", &[1, 0, 1, 8], false, BADF),
        ("fd_read", "i32 i32 i32 i32", &[3, 0, 1, 8], true, ISDIR),
        ("fd_pread", "i32 i32 i32 i64 i32", &[0, 0, 1, 0, 8], false, SPIPE),
        ("fd_seek", "i32 i64 i32 i32", &[1, 0, 0, 8], false, SPIPE),
        ("fd_tell", "i32 i32", &[9, 8], false, BADF),
        ("fd_close", "i32", &[2], false, 0),
        ("fd_close", "i32", &[3], false, BADF),
        ("fd_renumber", "i32 i32", &[1, 2], false, 0),
        ("fd_renumber", "i32 i32", &[1, 9], false, BADF),
        ("fd_fdstat_get", "i32 i32", &[1, 64], false, 0),
        ("fd_fdstat_get", "i32 i32", &[1, 65_530], false, FAULT),
        ("fd_fdstat_set_flags", "i32 i32", &[1, 0], false, NOTSUP),
        ("fd_fdstat_set_rights", "i32 i64 i64", &[1, 0, 0], false, NOTSUP),
        ("fd_filestat_get", "i32 i32", &[0, 64], false, 0),
        ("fd_filestat_set_size", "i32 i64", &[1, 0], false, INVAL),
        ("fd_filestat_set_times", "i32 i64 i64 i32", &[3, 0, 0, 0], true, ROFS),
        ("fd_allocate", "i32 i64 i64", &[3, 0, 0], true, ROFS),
        ("fd_advise", "i32 i64 i64 i32", &[0, 0, 0, 0], false, 0),
        ("fd_sync", "i32", &[1], false, 0),
        ("fd_datasync", "i32", &[9], false, BADF),
        ("fd_prestat_get", "i32 i32", &[3, 64], false, BADF),
        ("fd_prestat_get", "i32 i32", &[3, 64], true, 0),
        ("fd_prestat_dir_name", "i32 i32 i32", &[3, 64, 1], true, 0),
        ("fd_readdir", "i32 i32 i32 i64 i32", &[3, 64, 100, 0, 8], true, 0),
        ("fd_readdir", "i32 i32 i32 i64 i32", &[3, 64, 100, -1, 8], true, INVAL),
        ("fd_readdir", "i32 i32 i32 i64 i32", &[1, 64, 100, 0, 8], false, NOTDIR),
        ("path_filestat_get", "i32 i32 i32 i32 i32", &[3, 0, 256, 10, 64], true, 0),
        ("path_filestat_get", "i32 i32 i32 i32 i32", &[3, 0, 256, 9, 64], true, NOENT),
        ("path_filestat_get", "i32 i32 i32 i32 i32", &[3, 0, 65_530, 99, 64], true, FAULT),
        ("path_filestat_get", "i32 i32 i32 i32 i32", &[1, 0, 256, 10, 64], true, NOTDIR),
        (
            "path_open",
            "i32 i32 i32 i32 i32 i64 i64 i32 i32",
            &[3, 0, 256, 10, 0, 2, 0, 0, 8],
            true,
            0,
        ),
        (
            "path_open",
            "i32 i32 i32 i32 i32 i64 i64 i32 i32",
            &[3, 0, 256, 10, 0, 64, 0, 0, 8],
            true,
            ROFS,
        ),
        (
            "path_open",
            "i32 i32 i32 i32 i32 i64 i64 i32 i32",
            &[3, 0, 256, 9, 1, 2, 0, 0, 8],
            true,
            ROFS,
        ),
        (
            "path_open",
            "i32 i32 i32 i32 i32 i64 i64 i32 i32",
            &[3, 0, 256, 10, 2, 2, 0, 0, 8],
            true,
            NOTDIR,
        ),
        ("path_create_directory", "i32 i32 i32", &[3, 256, 4], true, ROFS),
        ("path_remove_directory", "i32 i32 i32", &[3, 256, 4], true, ROFS),
        ("path_unlink_file", "i32 i32 i32", &[3, 256, 10], true, ROFS),
        ("path_link", "i32 i32 i32 i32 i32 i32 i32", &[3, 0, 256, 10, 3, 256, 4], true, ROFS),
        ("path_rename", "i32 i32 i32 i32 i32 i32", &[3, 256, 10, 3, 256, 4], true, ROFS),
        ("path_symlink", "i32 i32 i32 i32 i32", &[256, 10, 3, 256, 4], true, ROFS),
        ("path_readlink", "i32 i32 i32 i32 i32 i32", &[3, 256, 10, 64, 9, 8], true, INVAL),
        (
            "path_filestat_set_times",
            "i32 i32 i32 i32 i64 i64 i32",
            &[3, 0, 256, 10, 0, 0, 0],
            true,
            ROFS,
        ),
        ("sock_accept", "i32 i32 i32", &[0, 0, 8], false, NOTSOCK),
        ("sock_recv", "i32 i32 i32 i32 i32 i32", &[0, 0, 0, 0, 8, 8], false, NOTSOCK),
        ("sock_send", "i32 i32 i32 i32 i32", &[1, 0, 0, 0, 8], false, NOTSOCK),
        ("sock_shutdown", "i32 i32", &[5, 0], false, BADF),
        ("proc_raise", "i32", &[9], false, NOTSUP),
        ("clock_time_get", "i32 i64 i32", &[0, 0, 64], false, 0),
        ("clock_time_get", "i32 i64 i32", &[3, 0, 64], false, 0),
        ("clock_time_get", "i32 i64 i32", &[4, 0, 64], false, INVAL),
        ("clock_res_get", "i32 i32", &[1, 64], false, 0),
        ("random_get", "i32 i32", &[64, 100], false, 0),
        ("random_get", "i32 i32", &[65_500, 100], false, FAULT),
        ("random_get", "i32 i32", &[0, -1], false, FAULT),
        ("args_get", "i32 i32", &[-1, -1], false, FAULT),
        ("environ_sizes_get", "i32 i32", &[64, 68], false, 0),
        ("poll_oneoff", "i32 i32 i32 i32", &[64, 512, 0, 8], false, INVAL),
        ("poll_oneoff", "i32 i32 i32 i32", &[64, 512, -1, 8], false, INVAL),
        ("poll_oneoff", "i32 i32 i32 i32", &[-8, 512, 1, 8], false, FAULT),
        ("poll_oneoff", "i32 i32 i32 i32", &[512, 1024, 3, 8], false, 0),
    ];
    for (function, types, values, with_files, expected) in cases {
        let files = if *with_files { &files[..] } else { &[] };
        let number = errno(&stage, function, types, &constants(values, types), files);
        assert_eq!(number, *expected, "{function}({values:?})");
    }
}

#[test]
fn a_guest_without_a_memory_is_told_so_and_not_ended() {
    let stage = Stage::new();
    let ended = stage.run(
        r#"(module
          (import "wasi_snapshot_preview1" "random_get" (func $call (param i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (func (export "_start") (call $exit (call $call (i32.const 0) (i32.const 1)))))"#,
    );
    assert_eq!(logs(&ended)[0], "stderr: The action exited with status 21.");
}

/// A module that writes what one pair of `…_sizes_get` and `…_get` gives, lines for zero bytes.
fn telling(what: &str) -> String {
    format!(
        r#"(module
          (import "wasi_snapshot_preview1" "{what}_sizes_get"
            (func $sizes (param i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "{what}_get"
            (func $get (param i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_write"
            (func $write (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (func (export "_start") (local $at i32)
            (drop (call $sizes (i32.const 0) (i32.const 4)))
            (drop (call $get (i32.const 1024) (i32.const 4096)))
            (local.set $at (i32.const 4096))
            (loop $again
              (if (i32.eqz (i32.load8_u (local.get $at)))
                (then (i32.store8 (local.get $at) (i32.const 10))))
              (local.set $at (i32.add (local.get $at) (i32.const 1)))
              (br_if $again
                (i32.lt_u (local.get $at) (i32.add (i32.const 4096) (i32.load (i32.const 4))))))
            ;; the first pointer leads to the first text
            (if (i32.ne (i32.load (i32.const 1024)) (i32.const 4096)) (then unreachable))
            (i32.store (i32.const 0) (i32.const 4096))
            (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))))"#
    )
}

#[test]
fn a_guest_sees_its_own_words_and_nothing_of_the_host() {
    let stage = Stage::new();
    let mut arguments = job(stage.module(&telling("args")));
    arguments.words = vec!["--verbose".to_owned(), String::new(), "x y".to_owned()];
    let lines = logs(&stage.run_job(arguments));
    assert_eq!(lines[..4], ["stderr: hello", "stderr: --verbose", "stderr: ", "stderr: x y"]);

    let mut environment = job(stage.module(&telling("environ")));
    environment.api_host = Some("http://127.0.0.1:3233".to_owned());
    environment.environment = vec![
        ("MODE".to_owned(), "fast".to_owned()),
        ("__OW_NAMESPACE".to_owned(), "forged".to_owned()),
        ("__OW_API_KEY".to_owned(), "forged".to_owned()),
    ];
    let ended = stage.run_job(environment);
    let mut lines = logs(&ended);
    lines.truncate(lines.len() - 1);
    let id = model::id::ActivationId::new(model::id::Shard::new(1), [7; 16]);
    let deadline = format!("stderr: __OW_DEADLINE={}", ended.start.0 + 10_000);
    assert_eq!(
        lines,
        [
            "stderr: __OW_ACTION_NAME=/guest/tools/hello",
            "stderr: __OW_ACTION_VERSION=0.0.3",
            &format!("stderr: __OW_ACTIVATION_ID={id}"),
            "stderr: __OW_TRANSACTION_ID=tid-1",
            "stderr: __OW_NAMESPACE=guest",
            &deadline,
            "stderr: __OW_API_HOST=http://127.0.0.1:3233",
            "stderr: MODE=fast",
        ]
    );
}

#[test]
fn files_of_the_archive_are_at_the_root_and_can_be_read() {
    let stage = Stage::new();
    let reader = r#"(module
      (import "wasi_snapshot_preview1" "path_open"
        (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_seek"
        (func $seek (param i32 i64 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_read"
        (func $read (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_write"
        (func $write (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (data (i32.const 256) "data/../data/a.json")
      (func (export "_start")
        (drop (call $open (i32.const 3) (i32.const 0) (i32.const 256) (i32.const 19)
          (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 16)))
        (drop (call $seek (i32.load (i32.const 16)) (i64.const 2) (i32.const 0) (i32.const 24)))
        (i32.store (i32.const 0) (i32.const 1024))
        (i32.store (i32.const 4) (i32.const 100))
        (drop (call $read (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 4)))
        (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#;
    let code = zip(reader, &[("data/a.json", "xx{\"a\":1}"), ("b", "")]);
    let inspected = stage.inspect(&code, "wasm:default").unwrap();
    assert_eq!(inspected.kind, "wasm:command");
    let cold = stage.run_job(job(stage.store(code)));
    assert_eq!(told(&cold), (Success, "{\"a\":1}".to_owned()));

    // And they come out of the cache with the code.
    let Stage { driver, blobs, folder } = stage;
    drop(driver);
    let digest = *blobs.codes.lock().unwrap().keys().next().unwrap();
    let stage =
        Stage::at(&super::stage::config(), crate::engine::Allocation::Pooling, blobs, folder);
    let again = stage.run_job(job(digest));
    assert_eq!(told(&again), (Success, "{\"a\":1}".to_owned()));
    assert_eq!(again.state, invoker::driver::StartState::Prewarmed);
}

#[test]
fn a_guest_that_sleeps_wakes_up_in_time() {
    let stage = Stage::new();
    // One clock subscription, relative, 20 ms.
    let text = writing(1, "{\"slept\":true}", "").replace(
        "(memory (export",
        r#"(import "wasi_snapshot_preview1" "poll_oneoff"
             (func $poll (param i32 i32 i32 i32) (result i32)))
           (memory (export"#,
    );
    let text = text.replace(
        "(func (export \"_start\")",
        "(func (export \"_start\")
           (i32.store (i32.const 528) (i32.const 1))
           (i64.store (i32.const 536) (i64.const 20000000))
           (if (call $poll (i32.const 512) (i32.const 600) (i32.const 1) (i32.const 700))
             (then unreachable))
           (if (i32.ne (i32.load (i32.const 700)) (i32.const 1)) (then unreachable))",
    );
    let warm = stage.run(&text);
    assert_eq!(told(&warm), (Success, "{\"slept\":true}".to_owned()));
    let ended = stage.run(&text);
    assert!(ended.duration_us >= 20_000, "{}", ended.duration_us);
}

#[test]
fn lines_have_the_time_at_which_they_were_written() {
    let stage = Stage::new();
    let ended = stage.run(&writing(1, "one\n{}", "(loop br 0)").replace("(loop br 0)", ""));
    let [line] = &ended.logs[..] else { panic!("{:?}", ended.logs) };
    let ms = line.at_ns / 1_000_000;
    assert!(ended.start.0 <= ms && ms <= ended.end.0, "{ms} in {:?}..{:?}", ended.start, ended.end);
}
