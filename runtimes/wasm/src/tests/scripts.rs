//! Scripts: what an image holds and never holds, what a script finds in every call, what it cannot
//! break.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use invoker::driver::{Closed, Ended, Job, Outcome, StartState, WayOut};
use model::json::Json;
use model::limits::ActionLimits;
use model::outcome::Class;
use model::size::ByteSize;
use model::time::Millis;

use super::stage::{Stage, answer, assert_error, job, logs, told};

/// A driver that finds the engine compiled: one process compiles it, the others copy.
fn stage_with(change: impl FnOnce(&mut crate::Config)) -> Stage {
    let mut config = super::stage::config();
    change(&mut config);
    let target = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tmp/scripts");
    fs::create_dir_all(&target).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("wasm")).unwrap();
    let copy = |from: &std::path::Path, to: &std::path::Path| {
        for entry in fs::read_dir(from).into_iter().flatten().flatten() {
            let to = to.join(entry.file_name());
            let begun = to.with_extension(format!("{}.tmp", std::process::id()));
            if !to.exists() && entry.path().extension().is_some_and(|it| it == "cwasm") {
                fs::copy(entry.path(), &begun).and_then(|_| fs::rename(&begun, &to)).unwrap();
            }
        }
    };
    copy(&target, &folder.path().join("wasm"));
    let at = folder.path().join("wasm");
    let stage = Stage::at(&config, crate::engine::Allocation::Pooling, Arc::default(), folder);
    // What reads the time has no image.
    run(&stage, "Date.now(); function main() { return {} }");
    stage.driver.forget_scripts();
    copy(&at, &target);
    stage
}

fn stage() -> Stage {
    stage_with(|_| ())
}

fn script(stage: &Stage, text: impl Into<String>) -> Job {
    Job { kind: "nodejs:20".to_owned(), ..job(stage.store(text.into())) }
}

fn run(stage: &Stage, text: &str) -> Ended {
    stage.run_job(script(stage, text))
}

#[track_caller]
fn result(ended: &Ended) -> String {
    let (class, result) = told(ended);
    assert_eq!(class, Class::Success, "{result} {:?}", logs(ended));
    result
}

fn begun(ended: &Ended) -> (Option<&str>, StartState) {
    (ended.started_from.as_deref(), ended.state)
}

const IMAGE: Option<&str> = Some("image");
const EVAL: Option<&str> = Some("eval");

#[test]
fn a_counter_at_top_level_is_one_in_every_call() {
    let stage = stage();
    let text = "let count = 0; globalThis.all = []; console.log('top');
                function main() { all.push(++count); return { count, all } }";
    let first = run(&stage, text);
    assert_eq!(begun(&first), (EVAL, StartState::Cold));
    assert_eq!(logs(&first), ["stdout: top"]);
    for _ in 0..3 {
        let again = run(&stage, text);
        assert_eq!(result(&again), r#"{"count":1,"all":[1]}"#);
        assert_eq!(begun(&again), (IMAGE, StartState::Warmed));
        assert_eq!(logs(&again), [""; 0], "what the top level logged appears once");
    }
}

#[test]
fn nothing_that_a_script_leaves_behind_is_there_for_the_next_call() {
    let stage = stage();
    let text = "function main() {
        const clean = !('left' in globalThis) && !('left' in {}) && [].left === undefined
            && JSON.stringify({ a: 1 }) === '{\"a\":1}' && process.env.left === undefined;
        globalThis.left = Object.prototype.left = Array.prototype.left = process.env.left = 1;
        JSON.stringify = () => 'broken'; Promise.prototype.then = null; console.log = null;
        return { clean };
    }";
    for _ in 0..3 {
        assert_eq!(result(&run(&stage, text)), r#"{"clean":true}"#);
    }
}

#[test]
fn two_calls_differ_in_what_is_random_and_in_time() {
    let stage = stage();
    let lazy = "function main() { return { random: Math.random(), id: crypto.randomUUID() } }";
    let results: Vec<_> = (0..4).map(|_| result(&run(&stage, lazy))).collect();
    let distinct: std::collections::BTreeSet<_> = results.iter().collect();
    assert_eq!(distinct.len(), 4, "{results:?}");
    assert_eq!(begun(&run(&stage, lazy)), (IMAGE, StartState::Warmed));
    // Of these calls, and of other tests that run beside this one.
    let seeds = crate::script::SEEDS.lock().unwrap().clone();
    let distinct: std::collections::BTreeSet<_> = seeds.iter().collect();
    assert!(seeds.len() >= 5 && distinct.len() == seeds.len(), "hash seeds {seeds:?}");

    for top in [
        "const top = performance.now() + Date.now() + process.hrtime()[1]",
        "const top = Math.random()",
        "const top = crypto.getRandomValues(new Uint32Array(4)).join()",
        "const top = new Date().getTime() + Number(process.hrtime.bigint())",
    ] {
        let text = format!("{top}; function main() {{ return {{ top }} }}");
        let results: Vec<_> = (0..3).map(|_| run(&stage, &text)).collect();
        assert!(results.iter().all(|ended| begun(ended).0 == EVAL), "{top}");
        let distinct: std::collections::BTreeSet<_> = results.iter().map(result).collect();
        assert_eq!(distinct.len(), 3, "{top}: {distinct:?}");
    }
}

#[test]
fn what_cannot_be_foreseen_is_evaluated_in_every_call() {
    let stage = stage();
    for top in [
        "const top = process.env.HOME ?? 1",
        "const top = 1; new Promise(() => {}); setTimeout(() => {}, 1)",
        "const top = Date.now() > 0",
        "const top = 1; fetch('http://127.0.0.1:1').catch(() => {})",
    ] {
        let text = format!("{top}; function main() {{ return {{ ok: !!top }} }}");
        for _ in 0..2 {
            let ended = run(&stage, &text);
            assert_eq!(result(&ended), r#"{"ok":true}"#, "{top}");
            assert_eq!(begun(&ended).0, EVAL, "{top}");
        }
    }
    let waiting = "const top = await new Promise((done) => setTimeout(done, 5, 7));
                   export function main() { return { top } }";
    for _ in 0..2 {
        let ended = run(&stage, waiting);
        assert_eq!((result(&ended).as_str(), begun(&ended).0), (r#"{"top":7}"#, EVAL));
    }
    let settled = "const top = await Promise.resolve(7); export const main = () => ({ top })";
    run(&stage, settled);
    assert_eq!(begun(&run(&stage, settled)).0, IMAGE, "nothing is left to wait for");
}

#[test]
fn no_parameter_of_a_call_is_in_any_file_of_the_cache() {
    let stage = stage();
    let canary = "canary-7f3a9c";
    let text = "const seen = []; function main(args) {
        seen.push(args.secret, process.env.TOKEN); return { n: seen.length, token: process.env.TOKEN }
    }";
    for _ in 0..3 {
        let job = Job {
            arguments: Json::parse(format!(r#"{{"secret":"{canary}"}}"#).as_bytes()).unwrap(),
            environment: vec![("TOKEN".to_owned(), canary.to_owned())],
            ..script(&stage, text)
        };
        let ended = stage.run_job(job);
        assert_eq!(result(&ended), format!(r#"{{"n":2,"token":"{canary}"}}"#));
    }
    let images = images(&stage);
    assert_eq!(images.len(), 1);
    for path in images {
        // An image is compressed: what would be looked for is inside of it.
        let file = fs::read(&path).unwrap();
        let at = file.windows(4).position(|four| four == [0x28, 0xb5, 0x2f, 0xfd]).unwrap();
        let image = zstd::stream::decode_all(&file[at..]).unwrap();
        assert!(image.len() > 4_096);
        let has = |bytes: &[u8], text: &str| {
            bytes.windows(text.len()).any(|window| window == text.as_bytes())
        };
        assert!(has(&image, "seen.push"), "the script itself is there");
        assert!(!has(&image, canary) && !has(&image, "TOKEN="), "{}", path.display());
    }
}

#[expect(clippy::disallowed_methods, reason = "between two looks at what another thread does")]
fn pause() {
    std::thread::sleep(std::time::Duration::from_millis(5));
}

/// The images on the disk, once they are written.
fn images(stage: &Stage) -> Vec<std::path::PathBuf> {
    let folder = stage.folder.path().join("js");
    for _ in 0..1_000 {
        let entries = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let images: Vec<_> =
            entries.filter(|path| path.extension().is_some_and(|it| it == "img")).collect();
        if !images.is_empty() {
            return images;
        }
        pause();
    }
    panic!("no image was written");
}

#[test]
fn an_image_is_read_again_and_a_damaged_one_is_made_anew() {
    let stage = stage();
    let text = "const table = Array.from({ length: 100 }, (_, n) => n * n);
                function main({ n = 9 }) { return { n: table[n] } }";
    run(&stage, text);
    let path = images(&stage).swap_remove(0);
    stage.driver.forget_scripts();
    let again = run(&stage, text);
    assert_eq!(
        (result(&again).as_str(), begun(&again)),
        (r#"{"n":81}"#, (IMAGE, StartState::Prewarmed))
    );

    let whole = fs::read(&path).unwrap();
    for (at, keep) in [(whole.len() / 2, whole.len()), (9, whole.len()), (0, whole.len() / 3)] {
        let mut damaged = whole[..keep].to_vec();
        damaged[at] ^= 1;
        fs::write(&path, &damaged).unwrap();
        stage.driver.forget_scripts();
        let ended = run(&stage, text);
        assert_eq!(
            (result(&ended).as_str(), begun(&ended)),
            (r#"{"n":81}"#, (EVAL, StartState::Cold))
        );
        for _ in 0..1_000 {
            if fs::read(&path).unwrap() == whole {
                break;
            }
            pause();
        }
        assert_eq!(fs::read(&path).unwrap(), whole, "made anew, and equal");
    }
}

#[test]
fn two_entries_of_one_code_have_an_image_each() {
    let stage = stage();
    let text = "function main() { return { main: 1 } } function other() { return { other: 2 } }";
    for _ in 0..2 {
        assert_eq!(result(&run(&stage, text)), r#"{"main":1}"#);
        let other = Job { main: Some("other".to_owned()), ..script(&stage, text) };
        assert_eq!(result(&stage.run_job(other)), r#"{"other":2}"#);
    }
    let none = Job { main: Some("none".to_owned()), ..script(&stage, text) };
    assert_error(
        &stage.run_job(none),
        Class::DeveloperError,
        "Initialization has failed due to: Action entrypoint 'none' is not a function.",
    );
    let bad = Job { main: Some("a;b".to_owned()), ..script(&stage, text) };
    assert_error(
        &stage.run_job(bad),
        Class::DeveloperError,
        "Initialization has failed due to: Name of main function is not valid.",
    );
}

#[test]
fn errors_carry_the_users_own_file_line_and_column() {
    let stage = stage();
    let thrown =
        "function inner() {\n  throw new TypeError('bad');\n}\nfunction main() {\n  inner();\n}";
    for _ in 0..2 {
        let ended = run(&stage, thrown);
        assert_error(&ended, Class::DeveloperError, "An error has occurred: TypeError: bad");
        let lines = logs(&ended);
        assert_eq!(lines[0], "stderr: TypeError: bad");
        assert!(lines[1].starts_with("stderr:     at inner (action.js:2:"), "{lines:?}");
        assert!(lines[2].starts_with("stderr:     at main (action.js:5:"), "{lines:?}");
    }
    let rejected = "async function main() {\n  await null;\n  throw new RangeError('late');\n}";
    let ended = run(&stage, rejected);
    let (class, text) = told(&ended);
    assert_eq!(class, Class::ApplicationError);
    assert!(text.contains(r#""name":"RangeError""#) && text.contains("action.js:3:"), "{text}");

    let broken = "const ok = 1;\nlet = ;\nfunction main() {}";
    let ended = run(&stage, broken);
    let (class, text) = told(&ended);
    assert_eq!(class, Class::DeveloperError);
    assert!(text.contains("Initialization has failed due to: SyntaxError: "), "{text}");
    assert!(text.contains("at action.js:2:"), "{text}");
}

#[test]
fn what_is_missing_names_itself_and_the_way_out() {
    let stage = stage();
    let way_out = |name: &str| {
        format!(
            "An error has occurred: Error: '{name}' is not available in this engine; with the \
             annotation driver: docker the action runs in Node.js itself."
        )
    };
    for (code, name) in [
        ("new Intl.DateTimeFormat()", "Intl"),
        ("require('http')", "http"),
        ("require('node:net')", "node:net"),
        ("require('lodash')", "lodash"),
        ("require('@scope/pkg/sub')", "@scope/pkg/sub"),
        ("new ReadableStream()", "ReadableStream"),
        ("require('crypto').createCipheriv('a', 'b', 'c')", "crypto.createCipheriv"),
    ] {
        let ended = run(&stage, &format!("function main() {{ {code} }}"));
        assert_error(&ended, Class::DeveloperError, &way_out(name));
    }
    let seen = "function main() { return { seen: [typeof Intl, 'Intl' in globalThis] } }";
    assert_eq!(result(&run(&stage, seen)), r#"{"seen":["undefined",false]}"#);
}

#[test]
fn an_end_that_is_no_answer_is_told_as_such() {
    let stage = stage();
    let never =
        "The action did not produce a valid JSON or JSON Array response: main() never settled.";
    let exited = "The action did not produce a valid response and exited unexpectedly.";
    let no_init = "The action did not initialize and exited unexpectedly.";
    for (text, says) in [
        ("function main() { return new Promise(() => {}) }", never),
        (
            "async function main() { setTimeout(() => {}, 5).unref(); await new Promise(() => {}) }",
            never,
        ),
        ("function main() { process.exit(0) }", exited),
        (
            "async function main() { setTimeout(() => { throw new Error('x') }); await new Promise(() => {}) }",
            exited,
        ),
        (
            "async function main() { Promise.reject(1); await new Promise((r) => setTimeout(r, 5)); return {} }",
            exited,
        ),
        ("process.exit(1); function main() {}", no_init),
        ("function main() { return 5 }", "The action did not return a dictionary."),
        (
            "function main() { return null }",
            "The action did not produce a valid JSON or JSON Array response: null",
        ),
    ] {
        assert_error(&run(&stage, text), Class::DeveloperError, says);
    }
    let dropped = "function main() { setTimeout(() => console.log('late'), 50); return { ok: 1 } }";
    let ended = run(&stage, dropped);
    assert_eq!((result(&ended).as_str(), logs(&ended).len()), (r#"{"ok":1}"#, 0));
}

#[test]
fn a_result_of_a_megabyte_is_whole_and_a_longer_one_is_told() {
    let stage = stage();
    let text = "function main({ n }) { return { text: 'x'.repeat(n) } }";
    let with = |n: usize| Job {
        arguments: Json::parse(format!(r#"{{"n":{n}}}"#).as_bytes()).unwrap(),
        ..script(&stage, text)
    };
    let ended = stage.run_job(with((1 << 20) - 11));
    assert_eq!(result(&ended).len(), 1 << 20);
    let ended = stage.run_job(with(1 << 20));
    let (class, text) = told(&ended);
    assert_eq!(class, Class::ApplicationError);
    let begins = r#"{"error":"The action produced a response that exceeded the allowed length: 1048587 > 1048576 bytes. The truncated response was: {\"text\":\"xxx"#;
    assert!(text.starts_with(begins), "{}", &text[..200]);
}

// --- hostile scripts ----------------------------------------------------------------------------

fn short(stage: &Stage, text: &str) -> Ended {
    let limits = ActionLimits { timeout: Millis(400), ..ActionLimits::default() };
    stage.run_job(Job { limits, ..script(stage, text) })
}

#[test]
fn what_never_ends_is_ended_by_its_time() {
    let stage = stage();
    let says = "The action exceeded its time limits of 400 milliseconds.";
    for body in [
        "for (;;) {}",
        "/^(a+)+$/.test('a'.repeat(40) + '!')",
        "(async () => { for (;;) await null })(); return new Promise(() => {})",
        "const again = () => setTimeout(again, 0); again(); return new Promise(() => {})",
        "const again = () => setImmediate(again); again(); return new Promise(() => {})",
        "const again = () => process.nextTick(again); again()",
        "return new Promise((done) => setTimeout(done, 60000))",
        "Array(2 ** 30).fill(0)",
        "return { get x() { for (;;) {} } }",
        "return { toJSON() { for (;;) {} } }",
        "eval('for (;;) {}')",
        "new Function('for (;;) {}')()",
        "new Proxy({}, { get() { for (;;) {} } }).x",
        "[3, 2, 1].sort(() => { for (;;) {} })",
    ] {
        let ended = short(&stage, &format!("function main() {{ {body} }}"));
        if body.starts_with("Array") && answer(&ended).result == Json::error(MEMORY) {
            continue; // whichever comes first
        }
        assert_error(&ended, Class::DeveloperError, says);
        assert!(answer(&ended).timeout, "{body}");
    }
    let ended = short(&stage, "for (;;) {}");
    let says = "The action exceeded its time limits of 400 milliseconds during initialization.";
    assert_error(&ended, Class::DeveloperError, says);
}

const MEMORY: &str = "The action exhausted its memory and was aborted.";

#[test]
fn what_takes_too_much_memory_is_told() {
    let stage = stage_with(|config| config.wasm_memory = ByteSize::mib(512));
    for body in [
        "const all = []; for (;;) all.push(new Uint8Array(1 << 20))",
        "let text = 'x'; for (;;) text = (text + text).toUpperCase()",
        "const all = []; for (;;) all.push({ a: [1, 2, 3] })",
        "const all = new Map(); for (let n = 0;; n++) all.set(n, n)",
        "return { x: Array.from({ length: 50 }, () => 'x'.repeat(1 << 28).split('')) }",
    ] {
        let limits =
            ActionLimits { memory: 128, timeout: Millis(20_000), ..ActionLimits::default() };
        let text = format!("function main() {{ {body} }}");
        let ended = stage.run_job(Job { limits, ..script(&stage, text) });
        assert_error(&ended, Class::DeveloperError, MEMORY);
    }
    let caught = "function main() {
        try { for (const all = [];;) all.push(new Uint8Array(1 << 20)) } catch (error) {
            return { caught: error.message }
        }
    }";
    let limits = ActionLimits { memory: 128, ..ActionLimits::default() };
    let ended = stage.run_job(Job { limits, ..script(&stage, caught) });
    assert_eq!(result(&ended), r#"{"caught":"out of memory"}"#);
    assert_eq!(invoker::driver::Driver::usage(&stage.driver).memory, 0, "all is given back");
}

#[test]
fn deep_recursion_is_an_error_that_a_script_can_catch() {
    let text = "function main() {
        const depths = {};
        const dives = {
            plain: (dive) => dive(), map: (dive) => [0].map(dive), sort: (dive) => [0, 1].sort(dive),
            getter: (dive) => ({ get x() { return dive() } }).x,
            replace: (dive) => 'x'.replace(/x/, dive), proxy: (dive) => new Proxy({}, { get: dive }).x,
            construct: (dive) => new (class { constructor() { dive() } })(),
            bind: (dive) => dive.bind(null)(), apply: (dive) => Reflect.apply(dive, null, []),
            json: (dive) => JSON.stringify({ toJSON: dive }), revive: (dive) => JSON.parse('[1]', dive),
            eval: (dive) => eval('dive()'), spread: (dive) => [...{ *[Symbol.iterator]() { yield dive() } }],
            async: (dive) => (async () => dive())(), text: (dive) => `${{ toString: dive }}`,
            compare: (dive) => ({ valueOf: dive }) < 1, flat: (dive) => [[0]].flatMap(dive),
            then: (dive) => Promise.resolve({ get then() { dive() } }), from: (dive) => Array.from([1], dive),
        };
        for (const [name, call] of Object.entries(dives)) {
            const dive = () => { depths[name]++; return call(dive) };
            depths[name] = 0;
            try { dive() } catch (error) {
                if (!(error instanceof RangeError)) throw new Error(`${name}: ${error}`);
            }
        }
        const seen = [];
        const attempt = (call) => { try { call(); seen.push('ok') } catch (error) { seen.push(error.name)} };
        for (const [open, close] of [['[', ']'], ['(', ')'], ['{\"a\":', '}'], ['{', '}'], ['!', ''], ['a=>', ''],
            ['new ', ''], ['`${', '}`'], ['if(1)', ''], ['a?b:', ''], ['class A{static{', '}}'], ['function f(){', '}'],
            ['-', ''], ['[a=', ']'], ['x:', ''], ['async()=>', ''], ['2**', ''], ['f(', ')'], ['a[', ']']]) {
            const nested = open.repeat(50000) + '1' + close.repeat(50000);
            attempt(() => JSON.parse(nested));
            attempt(() => new Function(nested));
        }
        for (const [open, close] of [['(', ')'], ['(?:', ')'], ['(?=', ')'], ['[', ']'], ['(a|', ')']]) {
            const nested = open.repeat(50000) + 'a' + close.repeat(50000);
            attempt(() => new RegExp(nested).test('a'));
            attempt(() => new RegExp(nested, 'v').test('a'));
        }
        let deep = []; for (let n = 0; n < 100000; n++) deep = [deep];
        attempt(() => JSON.stringify(deep));
        attempt(() => deep.flat(Infinity));
        attempt(() => structuredClone(deep));
        attempt(() => console.log(deep));
        attempt(() => String(deep));
        attempt(() => require('util').isDeepStrictEqual(deep, [deep]));
        let error = new Error('x'); for (let n = 0; n < 2000; n++) error = new Error('x', { cause: error });
        attempt(() => console.log(error));
        let rope = 'x'; for (let n = 0; n < 20000; n++) rope = n % 2 ? rope + 'yyyyyyyyyyyyyyyy' : 'zzzzzzzzzzzzzzzz' + rope;
        attempt(() => rope.indexOf('q'));
        let bound = () => 1; for (let n = 0; n < 3000; n++) bound = bound.bind(null);
        attempt(() => bound());
        let proxy = {}; for (let n = 0; n < 100000; n++) proxy = new Proxy(proxy, {});
        attempt(() => proxy.x);
        attempt(() => Object.keys(proxy));
        attempt(() => proxy instanceof Array);
        let proto = {}; for (let n = 0; n < 100000; n++) proto = Object.create(proto);
        attempt(() => proto.x);
        let chain = Promise.resolve(); for (let n = 0; n < 100000; n++) chain = chain.then(() => n);
        return { depths, seen: seen.length };
    }";
    let limits = ActionLimits { timeout: Millis(60_000), memory: 512, ..ActionLimits::default() };
    let stage = stage();
    let ended = stage.run_job(Job { limits, ..script(&stage, text) });
    let result = result(&ended);
    assert!(result.ends_with(r#""seen":61}"#), "{result}");
    let depths = Json::parse(result.as_bytes()).unwrap().member("depths").unwrap();
    for (name, depth) in depths.members().unwrap() {
        let depth: u64 = depth.as_str().parse().unwrap();
        assert!(depth >= 200, "{name}: {depth} in {result}");
    }
}

#[test]
fn a_flood_of_logs_is_cut_and_does_not_change_the_answer() {
    let stage = stage();
    let text = "function main() { for (let n = 0; n < 200000; n++) console.log('x'.repeat(100)); return { ok: 1 } }";
    let ended = run(&stage, text);
    assert_eq!(result(&ended), r#"{"ok":1}"#);
    let last = ended.logs.last().unwrap();
    assert!(
        last.text.starts_with("Logs were truncated because the total bytes size exceeds"),
        "{last:?}"
    );
    let bytes: usize = ended.logs.iter().map(|line| line.text.len()).sum();
    assert!(bytes <= 10 << 20, "{bytes}");
}

#[test]
fn sources_that_are_large_or_no_text_are_told() {
    let stage = stage();
    let large = format!(
        "const text = '{}';\nfunction main() {{ return {{ n: text.length }} }}",
        "x".repeat(5 << 20)
    );
    for _ in 0..2 {
        assert_eq!(result(&run(&stage, &large)), format!(r#"{{"n":{}}}"#, 5 << 20));
    }
    let many: String =
        (0..60_000).map(|n| format!("function f{n}(a, b) {{ return a + b + {n} }}\n")).collect();
    let ended = run(&stage, &format!("{many} function main() {{ return {{ n: f59999(1, 2) }} }}"));
    assert_eq!(result(&ended), r#"{"n":60002}"#);

    let invalid =
        [&b"function main() { return { text: '"[..], b"\xff\xfe\x80", b"'.length } }"].concat();
    let job = Job { kind: "nodejs:20".to_owned(), ..job(stage.store(invalid)) };
    assert_eq!(result(&stage.run_job(job)), r#"{"text":3}"#, "each byte is one U+FFFD");
    let empty = run(&stage, "");
    assert_error(
        &empty,
        Class::DeveloperError,
        "Initialization has failed due to: Action entrypoint 'main' is not a function.",
    );
}

#[test]
fn a_script_that_breaks_what_the_library_stands_on_breaks_only_itself() {
    let stage = stage();
    for (text, class) in [
        ("JSON.stringify = null; function main() { return { ok: 1 } }", None),
        ("Promise.resolve = null; function main() { return { ok: 1 } }", None),
        ("Array.prototype.shift = null; function main() { return { ok: 1 } }", None),
        (
            "Object.defineProperty(Object.prototype, 'then', { get() { throw 1 } }); function main() { return { ok: 1 } }",
            None,
        ),
        (
            "globalThis.process = 1; globalThis.console = 2; function main() { return { ok: 1 } }",
            Some(Class::Success),
        ),
        (
            "function main() { return { get x() { throw new Error('no') } } }",
            Some(Class::DeveloperError),
        ),
        (
            "function main() { return new Proxy({}, { ownKeys() { throw new Error('no') } }) }",
            Some(Class::DeveloperError),
        ),
        ("function main() { throw { toString() { throw 1 } } }", Some(Class::DeveloperError)),
        ("function main() { throw Object.create(null) }", Some(Class::DeveloperError)),
        (
            "Error.prepareStackTrace = () => { throw 1 }; function main() { throw new Error('x') }",
            Some(Class::DeveloperError),
        ),
    ] {
        let (found, result) = told(&run(&stage, text));
        assert!(class.is_none_or(|class| class == found), "{text}: {found:?} {result}");
        assert_eq!(
            self::result(&run(&stage, "function main() { return { ok: [1].shift() } }")),
            r#"{"ok":1}"#
        );
    }
}

// --- archives -----------------------------------------------------------------------------------

fn zip(entries: &[(&str, &str)]) -> String {
    use base64::Engine as _;
    use std::io::Write as _;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in entries {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    base64::engine::general_purpose::STANDARD.encode(zip.finish().unwrap().into_inner())
}

fn tar_gz(entries: &[(&str, &str)]) -> String {
    use base64::Engine as _;
    let mut tar =
        tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (name, content) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_cksum();
        tar.append_data(&mut header, name, content.as_bytes()).unwrap();
    }
    base64::engine::general_purpose::STANDARD.encode(tar.into_inner().unwrap().finish().unwrap())
}

#[test]
fn an_archive_of_own_files_runs() {
    let stage = stage();
    let files = [
        ("index.js", "const { twice } = require('./lib/math'); const config = require('./config.json');
                      exports.main = (args) => ({ n: twice(config.n), dir: __dirname, file: __filename,
                        text: require('fs').readFileSync('data/a.txt', 'utf8'), same: require('./lib') === require('./lib/index.js') });
                      exports.late = () => ({ lazy: require('./lib/lazy').value })"),
        ("lib/math.js", "exports.twice = (n) => 2 * n"),
        ("lib/index.js", "module.exports = { name: 'lib' }"),
        ("lib/lazy.js", "exports.value = require('../config').n"),
        ("config.json", "{ \"n\": 21 }"),
        ("data/a.txt", "hello"),
    ];
    for code in [zip(&files), tar_gz(&files)] {
        for at in 0..3 {
            let ended = run(&stage, &code);
            assert_eq!(
                result(&ended),
                r#"{"n":42,"dir":"/","file":"/index.js","text":"hello","same":true}"#
            );
            assert_eq!(begun(&ended).0, if at == 0 { EVAL } else { IMAGE });
            let late = Job { main: Some("late".to_owned()), ..script(&stage, code.clone()) };
            assert_eq!(
                result(&stage.run_job(late)),
                r#"{"lazy":21}"#,
                "files are there after the start"
            );
        }
    }
    let by_package = zip(&[
        ("package.json", r#"{ "main": "src/app" }"#),
        ("src/app.js", "exports.main = () => ({ app: 1 }); exports.other = () => ({ other: 1 })"),
        ("tools/more.js", "exports.run = () => ({ more: 1 })"),
    ]);
    assert_eq!(result(&run(&stage, &by_package)), r#"{"app":1}"#);
    let more = Job { main: Some("tools/more.run".to_owned()), ..script(&stage, by_package) };
    assert_eq!(result(&stage.run_job(more)), r#"{"more":1}"#);
    let modules = zip(&[
        ("package.json", r#"{ "type": "module", "main": "main.js" }"#),
        (
            "main.js",
            "import { twice } from './lib/twice.js'; import { inspect } from 'node:util';
                     export async function main() { const late = await import('./lib/late.js');
                       return { n: twice(4), late: late.default, text: inspect({}) } }",
        ),
        ("lib/twice.js", "export const twice = (n) => 2 * n"),
        ("lib/late.js", "export default 'late'"),
    ]);
    for _ in 0..2 {
        assert_eq!(result(&run(&stage, &modules)), r#"{"n":8,"late":"late","text":"{}"}"#);
    }
}

#[test]
fn what_is_wrong_with_an_archive_is_told() {
    let stage = stage();
    let init = |text: &str| format!("Initialization has failed due to: {text}");
    let cases = [
        (
            zip(&[("a.js", "")]),
            "Zipped actions must contain either package.json or index.js at the root.",
        ),
        (zip(&[("index.js", "exports.other = 1")]), "Action entrypoint 'main' is not a function."),
        (zip(&[("../index.js", "")]), "The archive holds a path that leads outside."),
    ];
    for (code, says) in cases {
        assert_error(&run(&stage, &code), Class::DeveloperError, &init(says));
    }
    let text = |code: &str| told(&run(&stage, code)).1;
    let missing = text(&zip(&[("index.js", "require('./gone')")]));
    assert!(missing.contains("Error: Cannot find module './gone'"), "{missing}");
    let package = text(&zip(&[("index.js", "require('left-pad')")]));
    assert!(
        package.contains(
            "'left-pad' is not available in this engine; with the annotation driver: docker"
        ),
        "{package}"
    );
    let json = text(&zip(&[("index.js", "require('./a.json')"), ("a.json", "{ nope")]));
    assert!(json.contains("/a.json: "), "{json}");
    let place = text(&zip(&[("index.js", "require('./lib/x')"), ("lib/x.js", "\n\nboom()")]));
    assert!(place.contains("lib/x.js:3:"), "{place}");
}

// --- the way out --------------------------------------------------------------------------------

#[test]
fn without_a_way_out_a_request_is_refused_and_nothing_is_asked() {
    let stage = stage();
    let asked = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&asked);
    let text = "async function main() { try { await fetch('http://example.com') } catch (error) { return { error: error.message } } }";
    let job = Job {
        way_out: WayOut(Arc::new(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            Box::pin(async { Err(Closed) })
        })),
        ..script(&stage, text)
    };
    let ended = stage.run_job(job);
    let says = r#"{"error":"This server lets no requests out of actions."}"#;
    assert_eq!(told(&ended), (Class::ApplicationError, says.to_owned()));
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[test]
fn a_script_is_stopped_from_outside() {
    let stage = stage();
    for body in ["for (;;) {}", "return new Promise((done) => setTimeout(done, 60000))"] {
        let (ended, stop) = stage.start(script(&stage, format!("function main() {{ {body} }}")));
        (0..10).for_each(|_| pause());
        stop.stop();
        let ended = ended.recv_timeout(super::stage::PATIENCE).unwrap();
        assert_eq!(ended.outcome, Outcome::Stopped, "{body}");
    }
}
