//! What a PUT refuses, in the words of `own.tsv`, and what it keeps.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use invoker::driver::{Inspected, Refused, StartState};
use model::outcome::Class::Success;

use super::stage::{Stage, config, encode, job, told, writing};
use crate::engine::Allocation;

const EMPTY: &str = r#"(module (func (export "_start")))"#;

#[track_caller]
fn assert_refused(result: Result<Inspected, Refused>, text: &str) {
    let Err(Refused(refused)) = result else { panic!("taken: {result:?}") };
    assert_eq!(refused, text);
}

fn found(kind: &str) -> Result<Inspected, Refused> {
    Ok(Inspected { kind: kind.to_owned() })
}

#[test]
fn a_command_is_taken_and_the_default_kind_becomes_concrete() {
    let stage = Stage::new();
    assert_eq!(stage.inspect(&encode(EMPTY), "wasm:command"), found("wasm:command"));
    assert_eq!(stage.inspect(&encode(EMPTY), "wasm:default"), found("wasm:command"));
}

#[test]
fn what_was_inspected_is_not_compiled_again() {
    let stage = Stage::new();
    let code = encode(&writing(1, "{}", ""));
    stage.inspect(&code, "wasm:command").unwrap();
    let ended = stage.run_job(job(stage.store(code)));
    assert_eq!((ended.state, ended.init_us), (StartState::Warmed, None));
    assert_eq!(stage.blobs.fetched.load(std::sync::atomic::Ordering::Relaxed), 0);
}

#[test]
fn components_are_stored_by_what_they_export_though_they_cannot_be_run() {
    let stage = Stage::new();
    let component = |export: &str| {
        encode(&format!(
            "(component (component $c) (instance $i (instantiate $c)) \
             (export \"{export}\" (instance $i)))"
        ))
    };
    for (export, kind) in [
        ("openwhisk:action/handler@0.1.0", "wasm:component"),
        ("wasi:http/incoming-handler@0.2.3", "wasm:http"),
        ("wasi:http/handler@0.3.0", "wasm:http"),
    ] {
        assert_eq!(stage.inspect(&component(export), "wasm:default"), found(kind), "{export}");
        assert_eq!(stage.inspect(&component(export), kind), found(kind), "{export}");
    }
    assert_refused(
        stage.inspect(&component("openwhisk:action/handler@0.1.0"), "wasm:command"),
        "The code is a 'wasm:component' artefact, not 'wasm:command'; use 'wasm:component' or \
         'wasm:default'.",
    );
    let lacking: Vec<_> = crate::kinds().iter().filter_map(|kind| kind.lacking).collect();
    assert_eq!(lacking.len(), 2);
}

#[test]
fn another_kind_than_the_one_given_is_refused() {
    let stage = Stage::new();
    assert_refused(
        stage.inspect(&encode(EMPTY), "wasm:http"),
        "The code is a 'wasm:command' artefact, not 'wasm:http'; use 'wasm:command' or \
         'wasm:default'.",
    );
}

#[test]
fn imports_that_the_host_does_not_offer_are_refused() {
    let stage = Stage::new();
    let importing = |module: &str, name: &str| {
        encode(&format!(
            "(module (import \"{module}\" \"{name}\" (func)) (func (export \"_start\")))"
        ))
    };
    assert_refused(
        stage.inspect(&importing("env", "system"), "wasm:command"),
        "The module cannot be linked: unknown import 'env.system'.",
    );
    assert_refused(
        stage.inspect(&importing("wasi_unstable", "fd_write"), "wasm:command"),
        "The module cannot be linked: unknown import 'wasi_unstable.fd_write'.",
    );
    let Err(Refused(text)) =
        stage.inspect(&importing("wasi_snapshot_preview1", "fd_write"), "wasm:command")
    else {
        panic!("linked with a wrong type")
    };
    assert!(text.starts_with("The module cannot be linked: "), "{text}");
}

#[test]
fn an_export_that_is_missing_or_takes_arguments_is_refused() {
    let stage = Stage::new();
    let other = encode(r#"(module (func (export "other")) (func (export "add") (param i32)))"#);
    let with_main = |main: Option<&str>| {
        stage.inspect_with(&other, "wasm:command", |artefact| {
            artefact.main = main.map(str::to_owned);
        })
    };
    assert_refused(with_main(None), "The module has no export '_start'.");
    assert_refused(with_main(Some("main")), "The module has no export '_start'.");
    assert_refused(with_main(Some("handle")), "The module has no export 'handle'.");
    assert_refused(with_main(Some("add")), "The module has no export 'add'.");
    assert_eq!(with_main(Some("other")), found("wasm:command"));
}

#[test]
fn memory_that_starts_beyond_the_limit_is_refused() {
    let stage = Stage::new();
    let big = encode(r#"(module (memory 4097) (func (export "_start")))"#);
    assert_refused(
        stage.inspect(&big, "wasm:command"),
        "The module starts with 257 MB of memory, more than its limit of 256 MB.",
    );
    let allowed = stage.inspect_with(&big, "wasm:command", |artefact| artefact.memory_mb = 257);
    assert_eq!(allowed, found("wasm:command"));
}

#[test]
fn native_code_is_refused() {
    let stage = Stage::new();
    let engine = wasmtime::Engine::default();
    let native = engine.precompile_module(&wat::parse_str(EMPTY).unwrap()).unwrap();
    assert_refused(
        stage.inspect(STANDARD.encode(native).as_bytes(), "wasm:command"),
        "Precompiled native code is refused; upload the WebAssembly module itself.",
    );
}

#[test]
fn what_is_no_module_is_refused_with_the_reason() {
    let stage = Stage::new();
    for (bytes, reason) in [
        (&b"hello"[..], "it does not begin with \\0asm"),
        (
            b"\0asm\x01\0\0\0\x0a\x05\x01",
            "function section is absent but code section has non-zero count (at byte 10)",
        ),
    ] {
        assert_refused(
            stage.inspect(STANDARD.encode(bytes).as_bytes(), "wasm:command"),
            &format!("The code is not a WebAssembly module: {reason}."),
        );
    }
    // Well formed, but not valid.
    let invalid = encode(r#"(module (func (export "_start") i32.add drop))"#);
    let Err(Refused(text)) = stage.inspect(&invalid, "wasm:command") else { panic!() };
    assert!(text.starts_with("The code is not a WebAssembly module: "), "{text}");
    assert!(text.contains("type mismatch"), "{text}");
}

#[test]
fn damaged_code_in_the_cache_is_made_again() {
    let stage = Stage::new();
    let code = encode(&writing(1, "{}", ""));
    stage.inspect(&code, "wasm:command").unwrap();
    let digest = stage.store(code);
    let Stage { driver, blobs, folder } = stage;
    drop(driver);
    let file = std::fs::read_dir(folder.path().join("wasm")).unwrap().next().unwrap().unwrap();
    let mut bytes = std::fs::read(file.path()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    std::fs::write(file.path(), bytes).unwrap();

    let stage = Stage::at(&config(), Allocation::Pooling, blobs, folder);
    let ended = stage.run_job(job(digest));
    assert_eq!(told(&ended), (Success, "{}".to_owned()));
    assert_eq!(ended.state, StartState::Cold);
}

#[test]
fn many_runs_that_wait_for_the_same_code_compile_it_once() {
    let stage = Stage::new();
    let code = stage.module(&writing(1, "{}", ""));
    let runs: Vec<_> = (0..20).map(|_| stage.start(job(code)).0).collect();
    for ended in runs {
        let ended = ended.recv_timeout(super::stage::PATIENCE).unwrap();
        assert_eq!(told(&ended), (Success, "{}".to_owned()));
    }
    assert_eq!(stage.blobs.fetched.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[test]
fn more_modules_than_may_be_resident_are_loaded_again_from_the_disk() {
    let stage = Stage::with(|config| config.cache_bytes = model::size::ByteSize::kib(200));
    let codes: Vec<_> = (0..40)
        .map(|number| stage.module(&writing(1, &format!("{{\"n\":{number}}}"), "")))
        .collect();
    for round in 0..3 {
        for (number, code) in codes.iter().enumerate() {
            let ended = stage.run_job(job(*code));
            assert_eq!(told(&ended), (Success, format!("{{\"n\":{number}}}")));
            assert!(round == 0 || ended.state == StartState::Prewarmed, "{:?}", ended.state);
        }
    }
    let (modules, bytes) = stage.driver.resident();
    assert!(modules > 0 && bytes <= 200 << 10, "{modules} modules, {bytes} bytes");
}
