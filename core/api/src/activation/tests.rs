//! Documents against the literal examples of the contract.

use model::id::{ActivationId, Offset};
use model::name::Namespace;
use model::time::WallTime;

use super::*;

fn json(text: &str) -> Json {
    Json::parse(text.as_bytes()).unwrap()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

fn id(text: &str) -> ActivationId {
    text.parse().unwrap()
}

/// The run of §7.1.
fn hello() -> Row {
    Row {
        id: id("f6a3f5a9f0b44f43a3f5a9f0b4cf4342"),
        namespace: Namespace::new("guest").unwrap(),
        subject: "guest".to_owned(),
        name: "hello".to_owned(),
        version: "0.0.1".to_owned(),
        ran: Some(Ran {
            path: "guest/demo/hello".to_owned(),
            binding: Some("guest/mydemo".to_owned()),
            kind: "nodejs:20".to_owned(),
            limits: Some(ActionLimits::default()),
            topmost: None,
            wait_ms: 512,
            init_ms: Some(38),
            timeout: Some(false),
            started_from: None,
            began: true,
        }),
        cause: Some(id("0e7b8a4d5c4e4c0e9b8a4d5c4e9c0e11")),
        start: WallTime(1_704_067_201_000),
        end: Some(WallTime(1_704_067_201_043)),
        duration_us: 43_999,
        class: Class::Success,
        outcome: None,
        children: Vec::new(),
        records: vec![Offset(1)],
        terminal: Offset(1),
        stored: true,
    }
}

/// §7.1, as it stands there.
const RECORD: &str = r#"{
  "activationId": "f6a3f5a9f0b44f43a3f5a9f0b4cf4342",
  "annotations": [
    {"key": "causedBy", "value": "sequence"},
    {"key": "binding", "value": "guest/mydemo"},
    {"key": "path", "value": "guest/demo/hello"},
    {"key": "waitTime", "value": 512},
    {"key": "kind", "value": "nodejs:20"},
    {"key": "timeout", "value": false},
    {"key": "limits", "value": {"concurrency": 1, "logs": 10, "memory": 256, "timeout": 60000}},
    {"key": "initTime", "value": 38}
  ],
  "cause": "0e7b8a4d5c4e4c0e9b8a4d5c4e9c0e11",
  "duration": 43,
  "end": 1704067201043,
  "logs": ["2024-01-01T00:00:01.020000000Z stdout: hello Ann"],
  "name": "hello",
  "namespace": "guest",
  "publish": false,
  "response": {
    "result": {"payload": "hello Ann"},
    "size": 23,
    "status": "success",
    "success": true
  },
  "start": 1704067201000,
  "subject": "guest",
  "version": "0.0.1"
}"#;

#[test]
fn a_record_looks_as_in_the_contract_and_is_read_back() {
    let lines = ["2024-01-01T00:00:01.020000000Z stdout: hello Ann".to_owned()];
    let result = json(r#"{"payload":"hello Ann"}"#);
    let bytes = record(&hello(), Some(&result), Some(23), &lines);
    let read: Record = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(serde_json::to_vec(&read).unwrap(), bytes);
    assert_eq!(text(bytes), json(RECORD).as_str());
}

#[test]
fn a_summary_looks_as_in_the_contract_and_is_read_back() {
    let mut row = hello();
    row.cause = None;
    let ran = row.ran.as_mut().unwrap();
    (ran.binding, ran.init_ms, ran.wait_ms) = (None, None, 2);
    ran.path = "guest/hello".to_owned();
    let bytes = summary(&row);
    let read: Summary = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(serde_json::to_vec(&read).unwrap(), bytes);
    let expected = r#"{"activationId":"f6a3f5a9f0b44f43a3f5a9f0b4cf4342","annotations":[{"key":"path","value":"guest/hello"},{"key":"waitTime","value":2},{"key":"kind","value":"nodejs:20"},
      {"key":"timeout","value":false},{"key":"limits","value":{"concurrency":1,"logs":10,"memory":256,"timeout":60000}}],
      "duration":43,"end":1704067201043,"name":"hello","namespace":"guest","publish":false,
      "start":1704067201000,"statusCode":0,"version":"0.0.1"}"#;
    assert_eq!(text(bytes), json(expected).as_str());
}

#[test]
fn a_sequence_shows_its_steps_and_its_place() {
    let mut row = hello();
    row.cause = None;
    row.name = "seq".to_owned();
    row.children =
        vec![id("9a000000000000000000000000000011"), id("9a000000000000000000000000000012")];
    row.duration_us = 91_000;
    row.start = WallTime(1_704_067_202_000);
    row.end = Some(WallTime(1_704_067_202_300));
    let ran = row.ran.as_mut().unwrap();
    (ran.topmost, ran.timeout, ran.binding, ran.init_ms) = (Some(true), None, None, None);
    (ran.path, ran.kind, ran.wait_ms) = ("guest/seq".to_owned(), "sequence".to_owned(), 35);
    let expected = r#"{"activationId":"f6a3f5a9f0b44f43a3f5a9f0b4cf4342","annotations":[{"key":"topmost","value":true},{"key":"path","value":"guest/seq"},
      {"key":"waitTime","value":35},{"key":"kind","value":"sequence"},
      {"key":"limits","value":{"concurrency":1,"logs":10,"memory":256,"timeout":60000}}],
      "duration":91,"end":1704067202300,"logs":["9a000000000000000000000000000011","9a000000000000000000000000000012"],"name":"seq","namespace":"guest","publish":false,
      "response":{"result":{"lines":["x"]},"size":15,"status":"success","success":true},
      "start":1704067202000,"subject":"guest","version":"0.0.1"}"#;
    let result = json(r#"{"lines":["x"]}"#);
    assert_eq!(text(record(&row, Some(&result), Some(15), &[])), json(expected).as_str());
    assert_eq!(
        text(logs(&row, &[])),
        r#"{"logs":["9a000000000000000000000000000011","9a000000000000000000000000000012"]}"#
    );

    row.cause = Some(row.children[0]);
    row.ran.as_mut().unwrap().topmost = Some(false);
    row.ran.as_mut().unwrap().limits = None;
    let inner = text(summary(&row));
    assert!(inner.contains(concat!(
        r#""annotations":[{"key":"topmost","value":false},{"key":"causedBy","value":"sequence"},"#,
        r#"{"key":"path","value":"guest/seq"},{"key":"waitTime","value":35},"#,
        r#"{"key":"kind","value":"sequence"}],"cause":"9a000000000000000000000000000011""#
    )));
}

#[test]
fn a_run_that_never_began_says_little() {
    let mut row = hello();
    row.class = Class::InternalError;
    row.outcome = Some("queue_timeout".to_owned());
    row.ran.as_mut().unwrap().began = false;
    let annotations = concat!(
        r#""annotations":[{"key":"causedBy","value":"sequence"},"#,
        r#"{"key":"path","value":"guest/demo/hello"},{"key":"kind","value":"unknown"},"#,
        r#"{"key":"outcome","value":"queue_timeout"}],"#
    );
    assert!(text(summary(&row)).contains(annotations));
    let whole = text(record(&row, Some(&Json::error("x")), None, &[]));
    assert!(whole.contains(annotations));
    assert!(whole.contains(
        r#""response":{"result":{"error":"x"},"status":"whisk internal error","success":false}"#
    ));
}

#[test]
fn a_trigger_has_no_end_and_no_annotations() {
    let mut row = hello();
    (row.ran, row.end, row.cause) = (None, None, None);
    let shown = text(summary(&row));
    assert!(shown.starts_with(
        r#"{"activationId":"f6a3f5a9f0b44f43a3f5a9f0b4cf4342","annotations":[],"name":"hello","#
    ));
    assert!(!shown.contains("statusCode"));
    let shown = text(record(&row, None, None, &["{}".to_owned()]));
    assert!(shown.contains(r#""logs":["{}"]"#));
    assert!(shown.contains(r#""response":{"status":"success","success":true}"#));
}

#[test]
fn our_own_annotations_come_last() {
    let mut row = hello();
    row.outcome = Some("lost".to_owned());
    row.ran.as_mut().unwrap().started_from = Some("image".to_owned());
    row.ran.as_mut().unwrap().limits.as_mut().unwrap().instances = Some(3);
    assert!(text(summary(&row)).contains(concat!(
        r#"{"key":"limits","value":{"concurrency":1,"instances":3,"logs":10,"memory":256,"#,
        r#""timeout":60000}},{"key":"initTime","value":38},{"key":"start","value":"image"},"#,
        r#"{"key":"outcome","value":"lost"}]"#
    )));
}

#[test]
fn parts_are_answers_of_their_own() {
    let result = json("[1,2]");
    assert_eq!(
        text(response(Class::ApplicationError, Some(&result), Some(5))),
        r#"{"result":[1,2],"size":5,"status":"application error","success":false}"#
    );
    let lines = ["a\"b".to_owned(), "é\u{1}".to_owned()];
    assert_eq!(text(logs(&hello(), &lines)), "{\"logs\":[\"a\\\"b\",\"é\\u0001\"]}");
    assert_eq!(text(list(["{}", "[]", "1"])), "[{},[],1]");
    assert_eq!(text(list::<&str>([])), "[]");
    assert_eq!(
        text(accepted(id("f6a3f5a9f0b44f43a3f5a9f0b4cf4342"))),
        r#"{"activationId":"f6a3f5a9f0b44f43a3f5a9f0b4cf4342"}"#
    );
}
#[test]
fn numbers_are_written_to_their_ends() {
    let shown = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        write(&mut out);
        text(out)
    };
    for n in [0, 7, 10, 1_704_067_201_043, u64::MAX] {
        assert_eq!(shown(&|out| number(out, b"", n)), n.to_string());
    }
    for n in [0, -1, i64::MIN, i64::MAX] {
        assert_eq!(shown(&|out| time(out, b"", WallTime(n))), n.to_string());
    }
}
