//! Each command against a server that follows a script: requests, what is printed, exit codes.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::thread::JoinHandle;

use clap::Parser as _;

use crate::output::tests::kept;

use super::*;
use crate::error::code_of;

/// An answer: status, more header lines, body.
type Script<'a> = &'a [(u16, &'a str, &'a str)];

/// What a command did.
struct Ran {
    code: u8,
    out: String,
    err: String,
    /// `METHOD path` and the body of each request.
    asked: Vec<(String, String)>,
}

/// Answers one request per connection, as the script says; then nobody answers any more.
fn serve(script: Script<'_>) -> (String, JoinHandle<Vec<(String, String)>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let script: Vec<_> = script
        .iter()
        .map(|(status, headers, body)| {
            let length = body.len();
            format!(
                "HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\n\
                 Connection: close\r\n\r\n{body}"
            )
        })
        .collect();
    let asked = std::thread::spawn(move || {
        let answer = |text: String| {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut lines = Vec::new();
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if line.trim().is_empty() {
                    break;
                }
                lines.push(line.trim().to_lowercase());
                if lines.len() == 1 {
                    lines[0] = line.trim().trim_end_matches(" HTTP/1.1").to_owned();
                }
            }
            let length = lines.iter().find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
            reader.read_exact(&mut body).unwrap();
            stream.write_all(text.as_bytes()).unwrap();
            let scheme = if lines[0].contains("/admin/") { "bearer t0" } else { "basic" };
            let said = format!("authorization: {scheme}");
            assert!(
                lines[0].contains("/ready") || lines.iter().any(|line| line.starts_with(&said))
            );
            (lines[0].clone(), String::from_utf8(body).unwrap())
        };
        script.into_iter().map(answer).collect()
    });
    (address, asked)
}

/// Runs a command line against a script.
#[track_caller]
fn quirl(words: &[&str], script: Script<'_>) -> Ran {
    let (address, asked) = serve(script);
    let environment = Environment {
        address: Some(address),
        key: Some("u:s".to_owned()),
        props: Some("/nonexistent/props".into()),
        ..Environment::default()
    };
    let (code, out, err) = run_in(words, environment);
    Ran { code, out, err, asked: asked.join().unwrap() }
}

#[track_caller]
fn run_in(words: &[&str], environment: Environment) -> (u8, String, String) {
    let words = std::iter::once(&"quirl").chain(words);
    let args = crate::args::Args::try_parse_from(words).unwrap();
    let (mut output, out, err) = kept();
    let code = match run(args, environment, &mut output) {
        Ok(code) => code,
        Err(error) => {
            output.failure(&error);
            error.exit_code()
        }
    };
    (output.close(code), out.text(), err.text())
}

const ACTION: &str = r#"{"annotations":[{"key":"description","value":"says hello"},{"key":"exec","value":"wasm:command"}],"exec":{"kind":"wasm:command","code":"AGFzbQEAAAA=","binary":true},"limits":{"concurrency":1,"logs":10,"memory":256,"timeout":60000},"name":"hello","namespace":"guest","parameters":[{"key":"name","value":"Ann"}],"publish":false,"updated":1704067200123,"version":"0.0.1"}"#;
const ID: &str = "f6a3f5a9f0b44f43a3f5a9f0b4cf4342";
const RECORD: &str = r#"{"activationId":"f6a3f5a9f0b44f43a3f5a9f0b4cf4342","annotations":[{"key":"path","value":"guest/hello"},{"key":"kind","value":"wasm:command"}],"duration":43,"end":1704067201043,"logs":["2024-01-01T00:00:01.020000000Z stdout: hello Ann"],"name":"hello","namespace":"guest","publish":false,"response":{"result":{"payload":"hello Ann"},"size":23,"status":"success","success":true},"start":1704067201000,"subject":"guest","version":"0.0.1"}"#;
const N: &str = "/api/v1/namespaces/_";

fn refused(status: u16, text: &str) -> (u16, &'static str, String) {
    (status, "", format!(r#"{{"code":"T1","error":"{text}"}}"#))
}

#[test]
fn create_sends_the_file_as_base64_with_its_kind() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hello.wasm");
    std::fs::write(&path, b"\0asm\x01\0\0\0").unwrap();
    let path = path.to_str().unwrap();
    let words = ["action", "create", "demo/hello", path, "-p", "name", "Ann", "-m", "128"];
    let ran = quirl(&words, &[(200, "", ACTION)]);
    assert_eq!(
        (ran.code, ran.out.as_str(), ran.err.as_str()),
        (0, "ok: created action demo/hello\n", "")
    );
    let body = concat!(
        r#"{"namespace":"_","name":"demo/hello","#,
        r#""exec":{"kind":"wasm:default","code":"AGFzbQEAAAA="},"#,
        r#""parameters":[{"key":"name","value":"Ann"}],"limits":{"memory":128}}"#
    );
    let request = format!("PUT {N}/actions/demo/hello?overwrite=false");
    assert_eq!(ran.asked, [(request, body.to_owned())]);
}

#[test]
fn a_name_that_is_taken_is_told_in_three_lines() {
    let (status, headers, body) = refused(409, "resource already exists");
    let script = [(status, headers, body.as_str())];
    let ran =
        quirl(&["action", "create", "s", "a, /ns/p/b", "--sequence", "--web", "true"], &script);
    assert_eq!(ran.code, 153);
    let expected = "\
error: Unable to create action 's'
  why: resource already exists (code T1)
 next: change it with `quirl action update s`, or choose another name
";
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", expected));
    let body = concat!(
        r#"{"namespace":"_","name":"s","#,
        r#""exec":{"kind":"sequence","components":["/_/a","/ns/p/b"]},"#,
        r#""annotations":[{"key":"web-export","value":true},{"key":"raw-http","value":false},"#,
        r#"{"key":"final","value":true}]}"#
    );
    assert_eq!(ran.asked[0].1, body);
}

#[test]
fn update_reads_first_and_sends_only_what_was_given() {
    let (status, headers, missing) = refused(404, "no");
    let words = ["action", "update", "hello", "-p", "a", "1", "--del-annotation", "x"];
    let ran = quirl(&words, &[(status, headers, &missing), (200, "", ACTION)]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "ok: updated action hello\n"));
    assert_eq!(ran.asked[0], (format!("GET {N}/actions/hello?code=false"), String::new()));
    let body = r#"{"namespace":"_","name":"hello","parameters":[{"key":"a","value":1}],"delAnnotations":["x"]}"#;
    let request = format!("PUT {N}/actions/hello?overwrite=true");
    assert_eq!(ran.asked[1], (request, body.to_owned()));

    let (status, headers, forbidden) = refused(403, "no");
    let ran = quirl(&words, &[(status, headers, &forbidden)]);
    assert_eq!(ran.code, 147);

    let script = [(200, "", ACTION), (200, "", ACTION)];
    let ran = quirl(&["action", "update", "hello", "--web", "raw"], &script);
    assert!(ran.asked[1].1.contains(concat!(
        r#""annotations":[{"key":"description","value":"says hello"},"#,
        r#"{"key":"exec","value":"wasm:command"},{"key":"web-export","value":true},"#
    )));
}

#[test]
fn copy_takes_all_that_the_source_has() {
    let script = [(200, "", ACTION), (200, "", ACTION)];
    let words = ["action", "create", "b", "/guest/hello", "--copy", "-t", "5", "-p", "name", "Bo"];
    let ran = quirl(&words, &script);
    assert_eq!(ran.code, 0);
    assert_eq!(ran.asked[0].0, "GET /api/v1/namespaces/guest/actions/hello?code=true");
    let body = concat!(
        r#"{"namespace":"_","name":"b","exec":{"kind":"wasm:command","code":"AGFzbQEAAAA="},"#,
        r#""annotations":[{"key":"description","value":"says hello"},"#,
        r#"{"key":"exec","value":"wasm:command"}],"parameters":[{"key":"name","value":"Bo"}],"#,
        r#""limits":{"concurrency":1,"logs":10,"memory":256,"timeout":5}}"#
    );
    assert_eq!(ran.asked[1].1, body);
}

#[test]
fn invoke_tells_what_became_of_it() {
    let accepted = format!(r#"{{"activationId":"{ID}"}}"#);
    let failed = RECORD.replace(r#""success":true"#, r#""success":false"#);
    let (_, _, refused) = refused(429, "Too many requests");
    let pretty =
        |text: &str| format!("{}\n", crate::output::pretty(&Json::parse(text.as_bytes()).unwrap()));
    let header = format!("ok: invoked /_/hello with id {ID}\n");
    let waits =
        format!("ok: invoked /_/hello, but the request has not yet finished, with id {ID}\n");
    let id = format!("X-OpenWhisk-Activation-Id: {ID}\r\n");
    let whole = |text| format!("{header}{}", pretty(text));
    let throttled = "\
error: Unable to invoke action 'hello'
  why: Too many requests (code T1)
 next: try again in 7 s
";
    for (flags, (status, headers, body), code, out, err) in [
        (&[][..], (202, "", accepted.as_str()), 0, header.clone(), String::new()),
        (&["-b"], (202, "", &accepted), 202, String::new(), waits),
        (&["-b"], (200, id.as_str(), RECORD), 0, whole(RECORD), String::new()),
        (&["-b"], (200, &id, "[1,2]"), 0, whole("[1,2]"), String::new()),
        (&["-r"], (200, &id, r#"{"a":1}"#), 0, pretty(r#"{"a":1}"#), String::new()),
        (&["-b"], (502, &id, &failed), 246, String::new(), whole(&failed)),
        (&["-r"], (502, &id, r#"{"error":"x"}"#), 246, String::new(), pretty(r#"{"error":"x"}"#)),
        (&["-b"], (500, &id, &failed), 244, String::new(), whole(&failed)),
        (&["-b"], (429, "Retry-After: 7\r\n", &refused), 173, String::new(), throttled.to_owned()),
    ] {
        let words = [&["action", "invoke", "hello", "-p", "x", "[1]"], flags].concat();
        let ran = quirl(&words, &[(status, headers, body)]);
        assert_eq!((ran.code, ran.out, ran.err), (code, out, err), "{flags:?} {status}");
        let (blocking, result) = (!flags.is_empty(), flags == ["-r"]);
        let path = format!("POST {N}/actions/hello?blocking={blocking}&result={result}");
        assert_eq!(ran.asked, [(path, r#"{"x":[1]}"#.to_owned())]);
    }
}

#[test]
fn get_shows_all_or_a_part_or_saves_the_code() {
    let pretty = crate::output::pretty(&Json::parse(ACTION.as_bytes()).unwrap());
    let web = ACTION.replace("\"description\"", "\"web-export\"");
    let get = |flags: &[&str], body: &str| {
        let ran = quirl(&[&["action", "get", "hello"], flags].concat(), &[(200, "", body)]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert_eq!(ran.asked[0].0, format!("GET {N}/actions/hello?code=false"));
        ran.out
    };
    assert_eq!(get(&[], ACTION), format!("ok: got action hello\n{pretty}\n"));
    for (start, told) in [
        ("image", ", each call begins from its image"),
        ("eval", ", its script is evaluated in each call"),
    ] {
        let header = format!("X-OpenWhisk-Start: {start}\r\n");
        let ran = quirl(&["action", "get", "hello"], &[(200, header.as_str(), ACTION)]);
        assert_eq!(ran.out, format!("ok: got action hello{told}\n{pretty}\n"));
    }
    let name = "ok: got action hello, displaying field name\n\"hello\"\n";
    assert_eq!(get(&["name"], ACTION), name);
    let summary = "action /guest/hello: says hello\n   (parameters: *name)\n";
    assert_eq!(get(&["--summary"], ACTION), summary);
    assert!(get(&["--url"], ACTION).ends_with("/api/v1/namespaces/guest/actions/hello\n"));
    assert!(get(&["--url"], &web).ends_with("/api/v1/web/guest/default/hello\n"));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.wasm");
    let words = ["action", "get", "hello", "--save-as", path.to_str().unwrap()];
    let ran = quirl(&words, &[(200, "", ACTION)]);
    assert_eq!(ran.out, format!("ok: saved action code to {}\n", path.display()));
    assert_eq!(ran.asked[0].0, format!("GET {N}/actions/hello?code=true"));
    assert_eq!(std::fs::read(&path).unwrap(), b"\0asm\x01\0\0\0");
    assert_eq!(quirl(&words, &[(200, "", ACTION)]).code, 1, "an existing file is kept");

    let ran = quirl(&["action", "get", "hello", "nothing"], &[(200, "", ACTION)]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("Invalid field filter 'nothing'."), "{}", ran.err);
}

#[test]
fn lists_are_printed_as_wsk_does() {
    let one = |name: &str| {
        format!(
            r#"{{"annotations":[{{"key":"exec","value":"wasm:command"}}],"exec":{{"binary":true}},"limits":{{"concurrency":1,"logs":10,"memory":256,"timeout":60000}},"name":"{name}","namespace":"guest/demo","publish":false,"updated":1,"version":"0.0.1"}}"#
        )
    };
    let body = format!("[{},{}]", one("b"), one("a"));
    let line = |name: &str| format!("{:<70} private wasm:command\n", format!("/guest/demo/{name}"));
    let ran = quirl(&["action", "list", "demo"], &[(200, "", &body)]);
    assert_eq!(ran.out, format!("actions\n{}{}", line("b"), line("a")));
    assert_eq!(ran.asked[0].0, format!("GET {N}/actions/demo/?limit=30&skip=0"));
    let ran = quirl(&["action", "list", "/ns", "-n", "-l", "5"], &[(200, "", &body)]);
    assert_eq!(ran.out, format!("actions\n{}{}", line("a"), line("b")));
    assert_eq!(ran.asked[0].0, "GET /api/v1/namespaces/ns/actions?limit=5&skip=0");

    let (status, headers, missing) = refused(404, "no such route");
    let missing = (status, headers, missing.as_str());
    let ran = quirl(&["list"], &[(200, "", &body), missing, missing, missing]);
    let actions = format!("{}{}", line("b"), line("a"));
    let expected =
        format!("Entities in namespace: default\npackages\nactions\n{actions}triggers\nrules\n");
    assert_eq!((ran.code, ran.out), (0, expected));

    let ran = quirl(&["namespace", "list"], &[(200, "", r#"["guest"]"#)]);
    assert_eq!(ran.out, "namespaces\nguest\n");
}

#[test]
fn activations_are_listed_as_wsk_does() {
    let list = r#"[{"activationId":"f6a3f5a9f0b44f43a3f5a9f0b4cf4342","annotations":[{"key":"kind","value":"wasm:command"},{"key":"initTime","value":3}],"duration":1043,"end":1704067201043,"name":"hello","namespace":"guest","publish":false,"start":1704067201000,"statusCode":1,"version":"0.0.1"},{"activationId":"f6a3f5a9f0b44f43a3f5a9f0b4cf4343","annotations":[],"name":"t","namespace":"guest","publish":false,"start":1704067201000,"version":"0.0.2"}]"#;
    let words = ["activation", "list", "/guest/demo/hello", "--since", "1", "--upto", "2"];
    let ran = quirl(&words, &[(200, "", list)]);
    let expected = "\
Datetime            Activation ID                    Kind         Start Duration   Status            Entity
2024-01-01 00:00:01 f6a3f5a9f0b44f43a3f5a9f0b4cf4342 wasm:command cold  1.043s     application error guest/hello:0.0.1
2024-01-01 00:00:01 f6a3f5a9f0b44f43a3f5a9f0b4cf4343 unknown      warm  0s         success           guest/t:0.0.2
";
    assert_eq!(ran.out, expected);
    let path = format!("GET {N}/activations?limit=30&skip=0&name=demo%2Fhello&since=1&upto=2");
    assert_eq!(ran.asked[0].0, path);

    let ran = quirl(&["activation", "list", "-f"], &[(200, "", &format!("[{RECORD}]"))]);
    assert!(ran.out.starts_with("activations\n{\n    \"activationId\""));
    assert_eq!(ran.asked[0].0, format!("GET {N}/activations?limit=30&skip=0&docs=true"));
}

#[test]
fn one_activation_is_shown_in_many_ways() {
    let pretty = crate::output::pretty(&Json::parse(RECORD.as_bytes()).unwrap());
    let list = format!("[{}]", RECORD.replace(r#""subject":"guest","#, r#""statusCode":0,"#));
    let line = "2024-01-01T00:00:01.020000000Z stdout: hello Ann\n";
    let history = r#"{"activationId":"f6a3f5a9f0b44f43a3f5a9f0b4cf4342","action":"guest/hello","version":"0.0.3","state":"ended","status":"success","attempts":1,"children":[],"events":[{"event":"accepted","at":1704067200950,"offset":48121,"by":"controller0","cause":"invoke","transactionId":"R4"},{"event":"assigned","at":1704067200950,"offset":48121,"by":"controller0","attempt":1,"invoker":"invoker0"},{"event":"finished","at":1704067203151,"offset":48127,"by":"invoker0","attempt":1,"status":"success"}]}"#;
    let told = "\
/guest/hello:0.0.3 ended, success, 1 attempt
Datetime                Event    Attempt By          Offset Details
2024-01-01 00:00:00.950 accepted         controller0 48121  invoke R4
2024-01-01 00:00:00.950 assigned 1       controller0 48121  invoker0
2024-01-01 00:00:03.151 finished 1       invoker0    48127  success
";
    let get = format!("ok: got activation {ID}\n{pretty}\n");
    let field = format!("ok: got activation {ID}, displaying field name\n\"hello\"\n");
    let summary = "activation result for '/guest/hello' (success at 2024-01-01 00:00:01 +0000)\n{\n    \"payload\": \"hello Ann\"\n}\n";
    let accepted = format!(r#"{{"activationId":"{ID}"}}"#);
    let logs = r#"{"logs":["2024-01-01T00:00:01.020000000Z stdout: hello Ann"]}"#;
    let result = r#"{"result":{"a":[]},"size":23,"status":"success","success":true}"#;
    for (words, path, (status, body), out) in [
        (&["get", ID][..], "", (200, RECORD), get.as_str()),
        (&["get", ID, "name"], "", (200, RECORD), &field),
        (&["get", ID, "-s"], "", (200, RECORD), summary),
        (&["get", ID, "--logs"], "", (200, RECORD), "hello Ann\n"),
        (&["logs", ID], "/logs", (200, logs), line),
        (&["logs", ID, "-r"], "/logs", (200, logs), "hello Ann\n"),
        (&["result", ID], "/result", (200, result), "{\n    \"a\": []\n}\n"),
        (&["history", ID], "/history", (200, history), told),
        (&["cancel", ID], "/cancel", (202, &accepted), &format!("ok: cancelled activation {ID}\n")),
        (
            &["cancel", ID],
            "/cancel",
            (200, RECORD),
            &format!("ok: activation {ID} had already ended: success\n"),
        ),
    ] {
        let ran = quirl(&[&["activation"], words].concat(), &[(status, "", body)]);
        assert_eq!((ran.code, ran.out.as_str()), (0, out), "{words:?}: {}", ran.err);
        assert!(
            ran.asked[0].0.ends_with(&format!("{N}/activations/{ID}{path}")),
            "{:?}",
            ran.asked
        );
    }
    let script = [(200, "", list.as_str()), (200, "", RECORD)];
    let ran = quirl(&["activation", "get", "--last", "name"], &script);
    assert_eq!(ran.out, field);
    assert_eq!(ran.asked[0].0, format!("GET {N}/activations?limit=1&skip=0"));
    let ran = quirl(&["activation", "logs", "--last"], &[(200, "", "[]")]);
    assert_eq!(ran.code, 2);
}

#[test]
fn an_activation_that_still_runs_is_told_apart_from_one_that_never_was() {
    let (status, _, body) = refused(404, "The requested resource does not exist.");
    for (headers, next) in [
        (
            "X-OpenWhisk-Activation-State: open\r\n",
            format!("it still runs: quirl activation history {ID}"),
        ),
        ("", "see what there is: quirl activation list".to_owned()),
    ] {
        let ran = quirl(&["activation", "get", ID], &[(status, headers, &body)]);
        assert_eq!(ran.code, 148);
        assert!(ran.err.ends_with(&format!(" next: {next}\n")), "{}", ran.err);
    }
}

#[test]
fn poll_shows_each_activation_once() {
    let list = format!("[{RECORD}]");
    let second = list.replace("4342", "4343");
    let script = [(200, "", list.as_str()), (200, "", second.as_str())];
    let ran = quirl(&["activation", "poll", "hello", "-e", "1"], &script);
    assert_eq!(ran.code, 0);
    assert_eq!(ran.out.matches("Activation: 'hello'").count(), 1, "{}", ran.out);
    assert_eq!(ran.asked[0].0, format!("GET {N}/activations?limit=1&skip=0&docs=true"));
    let path =
        format!("GET {N}/activations?limit=0&skip=0&name=hello&since=1704067201000&docs=true");
    assert_eq!(ran.asked[1].0, path);
}

#[test]
fn no_server_is_told_with_the_way_to_start_one() {
    let environment = Environment {
        address: Some("http://127.0.0.1:1".to_owned()),
        props: Some("/nonexistent/props".into()),
        ..Environment::default()
    };
    let (code, _, err) = run_in(&["action", "list"], environment);
    assert_eq!(code, 3);
    assert!(err.contains("why: no server answers at http://127.0.0.1:1"), "{err}");
    assert!(err.contains("next: start one with `quirl up -d`"), "{err}");
}

#[test]
fn wrong_words_are_refused_before_anything_is_sent() {
    for (words, why) in [
        (&["action", "create", "a"][..], "An action name and code artifact are required."),
        (&["action", "create", "a", "/nonexistent/a.zip"], "cannot be read"),
        (&["action", "invoke", "/a"], "'/a' is no name"),
        (&["action", "create", "a", "Cargo.toml"], "'.toml' is not a supported action runtime"),
    ] {
        let ran = quirl(words, &[]);
        assert!(matches!(ran.code, 1 | 2), "{}", ran.code);
        assert!(ran.err.contains(why), "{}", ran.err);
        assert_eq!(ran.err.lines().count(), 3);
    }
}

#[test]
fn properties_are_shown_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("props");
    std::fs::write(&path, "# mine\nOTHER=1\n").unwrap();
    let environment = || Environment { props: Some(path.clone()), ..Environment::default() };
    let words = ["property", "set", "--apihost", "http://h", "-u", "a:b"];
    let (code, out, _) = run_in(&words, environment());
    let told = "\
ok: whisk auth set. Run 'quirl property get --auth' to see the new value.
ok: whisk API host set to http://h
";
    assert_eq!((code, out.as_str()), (0, told));
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, "# mine\nOTHER=1\nAUTH=a:b\nAPIHOST=http://h\n");
    let words = ["property", "get", "--auth", "--apihost", "--namespace", "--origin"];
    let (_, out, _) = run_in(&words, environment());
    let told = "whisk auth\t\ta:b\t(properties file)\nwhisk API host\t\thttp://h\t(properties file)\nwhisk namespace\t\t_\t(default)\n";
    assert_eq!(out, told);
    let (code, _, _) = run_in(&["property", "unset", "--auth"], environment());
    assert_eq!(code, 0);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, "# mine\nOTHER=1\nAPIHOST=http://h\n");
    let (code, _, err) = run_in(&["property", "set", "--apihost", "https://h"], environment());
    assert_eq!(code, 1);
    assert!(err.contains("TLS"), "{err}");
}

#[test]
fn all_properties_ask_the_server_for_its_build() {
    let info = r#"{"description":"OpenWhisk API","build":"2024","buildno":"latest"}"#;
    let ran = quirl(&["property", "get"], &[(200, "", info)]);
    assert!(ran.out.ends_with("whisk API build\t\t2024\nwhisk API build number\tlatest\n"));
    assert_eq!(ran.asked[0].0, "GET /api/v1");
}

/// A `quirld` of a few lines of shell: it holds the folder and, by the test's server, is ready.
fn program(folder: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let path = folder.join("quirld");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn up_waits_until_the_server_is_ready_and_down_until_it_is_gone() {
    let (address, asked) = serve(&[(503, "", "{}"), (200, "", "{}")]);
    let folder = tempfile::tempdir().unwrap();
    program(
        folder.path(),
        &format!(
            "mkdir -p \"$2\"; printf 'pid=%s\\naddress=%s\\n' $$ {address} >\"$2/LOCK\"; \
             echo \"$1 $3\"; exec flock --no-fork \"$2/LOCK\" sleep 60"
        ),
    );
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    let environment = || Environment {
        path: Some(folder.path().as_os_str().to_owned()),
        ..Environment::default()
    };
    let (code, out, err) = run_in(&["up", "-d", "--data", data, "--", "--flag"], environment());
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with(&format!("ok: up at {address} (pid ")), "{out}");
    assert_eq!(asked.join().unwrap()[0].0, "GET /ready");
    assert_eq!(std::fs::read_to_string(format!("{data}.log")).unwrap(), "--data --flag\n");

    let (code, out, _) = run_in(&["up", "-d", "--data", data], environment());
    assert_eq!(code, 0);
    assert!(out.starts_with(&format!("ok: already runs at {address}")), "{out}");

    let (code, out, err) = run_in(&["down", "--data", data], environment());
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("ok: stopped the server in "), "{out}");
    let (code, out, _) = run_in(&["down", "--data", data], environment());
    assert_eq!((code, out), (0, format!("ok: no server runs in {data}\n")));
}

#[test]
fn a_server_that_ends_at_once_is_told_with_its_last_words() {
    let folder = tempfile::tempdir().unwrap();
    program(folder.path(), "echo 'quirld: the folder is newer than I am' >&2; exit 78");
    let data = folder.path().join("data");
    let environment = Environment {
        path: Some(folder.path().as_os_str().to_owned()),
        data: Some(data),
        ..Environment::default()
    };
    let (code, _, err) = run_in(&["up", "-d"], environment.clone());
    assert_eq!(code, 1);
    assert!(err.contains("its last words: quirld: the folder is newer than I am"), "{err}");
    let nowhere = Environment { path: Some("/nonexistent".into()), ..environment };
    let (code, _, err) = run_in(&["up"], nowhere);
    assert_eq!(code, 1);
    assert!(err.contains("there is no quirld beside"), "{err}");
}

const SUBJECT: &str = r#"{"subject":"ann-lee","blocked":false,"created":1704067200000,"namespaces":[{"namespace":"ann-lee","keys":[{"uuid":"5f3c","created":1704067200000}]}]}"#;

/// As [`quirl`], as an administrator who comes over TCP.
#[track_caller]
fn admin(words: &[&str], script: Script<'_>) -> Ran {
    let (address, asked) = serve(script);
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "t0\n").unwrap();
    let door = ["--admin-host", &address, "--token", token.to_str().unwrap()];
    let words = [&["admin"], words, &door].concat();
    let (code, out, err) = run_in(&words, Environment::default());
    Ran { code, out, err, asked: asked.join().unwrap() }
}

#[test]
fn a_new_key_is_printed_alone_on_its_line() {
    let bare = SUBJECT.strip_suffix('}').unwrap();
    let made = format!(r#"{bare},"key":"5f3c:Zk3v"}}"#);
    let hint = "This key is not shown again. Use it with: quirl property set --auth KEY\n";
    let s = "/admin/v1/subjects/ann-lee";
    for (words, first, path, body) in [
        (
            &["user", "create", "ann-lee"][..],
            "ok: created user ann-lee with namespace ann-lee",
            format!("PUT {s}"),
            "",
        ),
        (
            &["user", "create", "ann-lee", "--key", "a:b"],
            "ok: created user ann-lee with namespace ann-lee",
            format!("PUT {s}"),
            r#"{"key":"a:b"}"#,
        ),
        (
            &["namespace", "add", "ann-lee", "test 1"],
            "ok: added namespace test 1 to user ann-lee",
            format!("PUT {s}/namespaces/test%201"),
            "",
        ),
        (
            &["key", "add", "ann-lee"],
            "ok: added a key to namespace ann-lee",
            format!("POST {s}/namespaces/ann-lee/keys"),
            "",
        ),
    ] {
        let ran = admin(words, &[(201, "", &made)]);
        assert_eq!((ran.code, ran.err.as_str()), (0, hint), "{words:?}");
        assert_eq!(ran.out, format!("{first}\n5f3c:Zk3v\n"));
        assert_eq!(ran.asked, [(path, body.to_owned())]);
    }
}

#[test]
fn users_are_shown_listed_blocked_and_deleted() {
    let pretty = crate::output::pretty(&Json::parse(SUBJECT.as_bytes()).unwrap());
    let namespace = r#"{"namespace":"ann-lee","keys":[]}"#;
    let s = "/admin/v1/subjects/ann-lee";
    let list = format!("[{SUBJECT},{}]", SUBJECT.replace("false", "true"));
    let listed = format!(
        "users\n{:<40} {:<8} ann-lee (1 key)\n{:<40} {:<8} ann-lee (1 key)\n",
        "ann-lee", "", "ann-lee", "blocked"
    );
    let say = |text: &str| format!("ok: {text}\n");
    for (words, answer, path, out) in [
        (
            &["user", "get", "ann-lee"][..],
            SUBJECT,
            format!("GET {s}"),
            say("got user ann-lee") + &pretty + "\n",
        ),
        (
            &["user", "list", "-s", "1"],
            list.as_str(),
            "GET /admin/v1/subjects?skip=1&limit=30".to_owned(),
            listed,
        ),
        (
            &["user", "block", "ann-lee"],
            SUBJECT,
            format!("POST {s}/block"),
            say("blocked user ann-lee: its keys are refused"),
        ),
        (
            &["user", "unblock", "ann-lee"],
            SUBJECT,
            format!("POST {s}/unblock"),
            say("unblocked user ann-lee"),
        ),
        (
            &["user", "delete", "ann-lee", "--force"],
            SUBJECT,
            format!("DELETE {s}?force=true"),
            say("deleted user ann-lee"),
        ),
        (
            &["key", "revoke", "ann-lee", "5f3d"],
            SUBJECT,
            format!("DELETE {s}/namespaces/ann-lee/keys/5f3d"),
            say("revoked key 5f3d; namespace ann-lee has 1 left"),
        ),
        (
            &["namespace", "delete", "ann-lee", "x"],
            namespace,
            format!("DELETE {s}/namespaces/x?force=false"),
            say("deleted namespace x"),
        ),
    ] {
        let ran = admin(words, &[(200, "", answer)]);
        assert_eq!((ran.code, ran.out, ran.err.as_str()), (0, out, ""), "{words:?}");
        assert_eq!(ran.asked, [(path, String::new())]);
    }
}

#[test]
fn limits_that_are_not_named_stay_as_they_are() {
    let stored = r#"{"firesPerMinute":7,"maxActionLogs":3}"#;
    let now = r#"{"allowedKinds":["a","b"],"firesPerMinute":5,"maxActionLogs":3}"#;
    let words = ["limits", "set", "ann", "--fires-per-minute", "5", "--allowed-kinds", "a,b"];
    let ran = admin(&words, &[(200, "", stored), (200, "", now)]);
    let pretty = crate::output::pretty(&Json::parse(now.as_bytes()).unwrap());
    assert_eq!(ran.out, format!("ok: set limits of namespace ann\n{pretty}\n"));
    let path = "/admin/v1/namespaces/ann/limits";
    let expected = [(format!("GET {path}"), String::new()), (format!("PUT {path}"), now.into())];
    assert_eq!(ran.asked, expected);
}

#[test]
fn what_an_administrator_may_do_next_is_told() {
    let full = "The namespace 'ann-lee' is not empty (contains 2 entities). \
                Set force=true to delete them.";
    for (words, (status, _, body), next) in [
        (&["user", "delete", "ann-lee"][..], refused(409, full), "add --force to delete"),
        (&["user", "get", "ann-lee"], refused(404, "no"), "quirl admin user list"),
        (&["user", "list"], refused(401, "no"), "secrets/admin.token"),
    ] {
        let ran = admin(words, &[(status, "", &body)]);
        assert_eq!(ran.code, code_of(status));
        assert!(ran.err.contains(next), "{}", ran.err);
    }
    let folder = tempfile::tempdir().unwrap();
    let data = Some(folder.path().join("none"));
    let nobody = Environment { data, ..Environment::default() };
    let (code, _, err) = run_in(&["admin", "user", "list"], nobody);
    assert_eq!(code, 3);
    assert!(err.contains("none/admin.sock") && err.contains("quirl up -d"), "{err}");
}
