//! A watched folder against a server that is not always there.

use super::*;

const TRIGGER: &str = r#"{"annotations":[],"limits":{},"name":"t1","namespace":"guest","parameters":[],"publish":false,"updated":1,"version":"0.0.1"}"#;

fn accepted() -> String {
    format!(r#"{{"activationId":"{ID}"}}"#)
}

/// A folder with what is fired, and with what is not.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in [".hidden", "a.tmp", "a.csv.part", "a.txt", "a.csv"] {
        std::fs::write(folder.path().join(name), "1,2\n").unwrap();
    }
    std::fs::create_dir(folder.path().join("b.csv")).unwrap();
    folder
}

#[test]
fn a_file_is_sent_again_until_it_is_answered() {
    let folder = folder();
    let path = folder.path().to_str().unwrap();
    let (_, _, later) = refused(503, "later");
    let body = accepted();
    let words = [
        "watch",
        path,
        "--fire",
        "t1",
        "--existing",
        "--pattern",
        "*.csv",
        "--content",
        "--once",
        "1",
    ];
    let script = [
        (503, "X-OpenWhisk-Accepted: no\r\n", later.as_str()), // not there yet, which is no reason
        (503, "X-OpenWhisk-Accepted: unknown\r\n", &later),
        (502, "", "<html>"),
        (202, "Idempotent-Replayed: true\r\n", &body),
    ];
    let ran = quirl(&words, &script);
    let out = format!("ok: triggered /_/t1 with id {ID} for a.csv, as before\n");
    assert_eq!((ran.code, ran.out), (0, out), "{}", ran.err);
    assert_eq!(ran.err, "later (code T1); a.csv is sent again\nfired 1 file, left out 0\n");
    assert_eq!(ran.asked[0].0, format!("GET {N}/triggers/t1"));
    assert_eq!(ran.asked[1].0, format!("POST {N}/triggers/t1"));
    assert_eq!(ran.asked[1], ran.asked[2]);
    assert_eq!(ran.asked[2], ran.asked[3]);
    let sent = Json::parse(ran.asked[3].1.as_bytes()).unwrap();
    let names: Vec<_> = sent.members().unwrap().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["name", "path", "size", "modified", "content"]);
    assert_eq!(sent.member("content").unwrap().text().unwrap(), "1,2\n");
    let full = folder.path().canonicalize().unwrap().join("a.csv");
    assert_eq!(sent.member("path").unwrap().text().unwrap(), full.to_str().unwrap());
}

#[test]
fn what_is_not_taken_is_left_out_and_what_is_wrong_ends_it() {
    let folder = folder();
    let path = folder.path().to_str().unwrap();
    let (_, _, large) = refused(413, "too large");
    let words = ["watch", path, "--fire", "t1", "--existing", "--once", "2"];
    let script = [(200, "", TRIGGER), (413, "", large.as_str()), (204, "", "")];
    let ran = quirl(&words, &script);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("is refused: too large (code T1); left out\n"), "{}", ran.err);
    assert!(ran.err.ends_with("fired 1 file, left out 1\n"), "{}", ran.err);
    assert!(ran.out.ends_with(": no rule is active, nothing was started\n"), "{}", ran.out);

    let (_, _, missing) = refused(404, "no such trigger");
    for script in [&[(404, "", missing.as_str())][..], &[(200, "", TRIGGER), (404, "", &missing)]] {
        let ran = quirl(&words, script);
        assert_eq!(ran.code, 148);
        assert!(ran.err.ends_with(" next: see what there is: quirl trigger list\n"), "{}", ran.err);
    }
    let ran = quirl(&["watch", "/nonexistent", "--fire", "t1"], &[(200, "", TRIGGER)]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("/nonexistent cannot be watched: No such file"), "{}", ran.err);
}

#[test]
fn a_folder_that_goes_ends_it() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("inbox");
    std::fs::create_dir(&path).unwrap();
    std::fs::write(path.join("there"), "").unwrap();
    let body = accepted();
    let script = [(200, "", TRIGGER), (202, "", body.as_str())];
    let (address, asked) = serve(&script);
    let environment = Environment {
        address: Some(address),
        key: Some("u:s".to_owned()),
        props: Some("/nonexistent/props".into()),
        ..Environment::default()
    };
    let words = [
        "watch".to_owned(),
        path.to_str().unwrap().to_owned(),
        "--fire".to_owned(),
        "t1".to_owned(),
        "--existing".to_owned(),
    ];
    let watching =
        std::thread::spawn(move || run_in(&words.each_ref().map(String::as_str), environment));
    // It listens before it looks at what is there.
    let asked = asked.join().unwrap();
    std::fs::remove_dir_all(&path).unwrap();
    let (code, out, err) = watching.join().unwrap();
    assert!(asked[1].1.starts_with(r#"{"name":"there","path":"#), "{}", asked[1].1);
    assert_eq!(out, format!("ok: triggered /_/t1 with id {ID} for there\n"));
    assert!(err.contains("inbox is gone\n"), "{err}");
    assert_eq!(code, 1);
}
