//! Packages, triggers with their feeds, rules, and all of them in a list.

use super::*;

const PACKAGE: &str = r#"{"actions":[{"annotations":[{"key":"description","value":"says hello"},{"key":"parameters","value":[{"name":"name"}]}],"name":"hello","version":"0.0.1"}],"annotations":[{"key":"description","value":"helpers"}],"binding":{},"feeds":[{"annotations":[{"key":"feed","value":true}],"name":"ticker","version":"0.0.3"}],"name":"utils","namespace":"guest","parameters":[{"key":"p","value":"v"}],"publish":true,"updated":1,"version":"0.0.1"}"#;
const TRIGGER: &str = r#"{"annotations":[],"limits":{},"name":"t1","namespace":"guest","parameters":[{"key":"a","value":"A"}],"publish":false,"updated":1,"version":"0.0.1"}"#;
const FED: &str = r#"{"annotations":[{"key":"feed","value":"/_/utils/ticker"}],"limits":{},"name":"t1","namespace":"guest","parameters":[],"publish":false,"updated":1,"version":"0.0.1"}"#;
const RULE: &str = r#"{"action":{"name":"hello","path":"guest"},"annotations":[],"name":"r1","namespace":"guest","publish":false,"status":"active","trigger":{"name":"t1","path":"guest"},"updated":1,"version":"0.0.1"}"#;

fn pretty(text: &str) -> String {
    format!("{}\n", crate::output::pretty(&Json::parse(text.as_bytes()).unwrap()))
}

/// Checks one command with one request: what is sent, and what is printed.
#[track_caller]
fn check(words: &str, answer: (u16, &str), (request, body): (&str, &str), out: &str) {
    let words: Vec<_> = words.split(' ').collect();
    let ran = quirl(&words, &[(answer.0, "", answer.1)]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, out, ""), "{words:?}");
    assert_eq!(ran.asked, [(request.replace("N/", &format!("{N}/")), body.to_owned())]);
}

/// Checks one refused command: exit code and the three lines.
#[track_caller]
fn check_refused(words: &str, (status, text): (u16, &str), code: u8, what: &str, next: &str) {
    let words: Vec<_> = words.split(' ').collect();
    let (_, _, body) = refused(status, text);
    let ran = quirl(&words, &[(status, "", &body)]);
    let told = format!("error: {what}\n  why: {text} (code T1)\n next: {next}\n");
    assert_eq!((ran.code, ran.out, ran.err), (code, String::new(), told), "{words:?}");
}

#[test]
fn packages_are_made_bound_shown_and_deleted() {
    check(
        "package create utils -p p v -a description helpers --shared yes",
        (200, PACKAGE),
        (
            "PUT N/packages/utils?overwrite=false",
            r#"{"namespace":"_","name":"utils","publish":true,"annotations":[{"key":"description","value":"helpers"}],"parameters":[{"key":"p","value":"v"}]}"#,
        ),
        "ok: created package utils\n",
    );
    check(
        "package update /ann/utils --shared no",
        (200, PACKAGE),
        (
            "PUT /api/v1/namespaces/ann/packages/utils?overwrite=true",
            r#"{"namespace":"ann","name":"utils","publish":false}"#,
        ),
        "ok: updated package utils\n",
    );
    for (flags, overwrite) in [("", false), (" --overwrite", true)] {
        check(
            &format!("package bind /ann/utils mine -p q 1{flags}"),
            (200, PACKAGE),
            (
                &format!("PUT N/packages/mine?overwrite={overwrite}"),
                r#"{"namespace":"_","name":"mine","binding":{"name":"utils","namespace":"ann"},"parameters":[{"key":"q","value":1}]}"#,
            ),
            "ok: created binding mine\n",
        );
    }
    let get = ("GET N/packages/utils", "");
    let all = format!("ok: got package utils\n{}", pretty(PACKAGE));
    check("package get utils", (200, PACKAGE), get, &all);
    let field = "ok: got package utils, displaying field publish\ntrue\n";
    check("package get utils publish", (200, PACKAGE), get, field);
    let summary = "\
package /guest/utils: helpers
   (parameters: *p)
 action /guest/utils/hello: says hello
   (parameters: name)
 feed   /guest/utils/ticker
   (parameters: none defined)
";
    check("package get utils --summary", (200, PACKAGE), get, summary);
    for (flags, query) in [("", ""), (" --force", "?force=true")] {
        check(
            &format!("package delete utils{flags}"),
            (200, PACKAGE),
            (&format!("DELETE N/packages/utils{query}"), ""),
            "ok: deleted package utils\n",
        );
    }
}

#[test]
fn packages_are_listed_as_wsk_does() {
    let one = |name: &str, publish: bool| {
        format!(
            r#"{{"annotations":[],"binding":false,"name":"{name}","namespace":"guest","publish":{publish},"updated":1,"version":"0.0.1"}}"#
        )
    };
    let list = format!("[{},{}]", one("utils", false), one("Shared", true));
    let line = |name: &str, scope: &str| format!("{name:<70} {scope}\n");
    let (utils, shared) = (line("/guest/utils", "private"), line("/guest/Shared", "shared"));
    check(
        "package list",
        (200, &list),
        ("GET N/packages?limit=30&skip=0", ""),
        &format!("packages\n{utils}{shared}"),
    );
    check(
        "package list /ann -n -l 5 -s 1",
        (200, &list),
        ("GET /api/v1/namespaces/ann/packages?limit=5&skip=1", ""),
        &format!("packages\n{shared}{utils}"),
    );
}

#[test]
fn bindings_are_refreshed_where_a_server_can() {
    let changed = r#"{"added":["/ann/utils"],"updated":[],"deleted":[]}"#;
    check(
        "package refresh",
        (200, changed),
        ("POST N/packages/refresh", ""),
        "'_' refreshed successfully\ncreated bindings:\n[\n    \"/ann/utils\"\n]\n\
         no bindings updated\nno bindings deleted\n",
    );
    let (status, headers, body) = refused(404, "The requested resource does not exist.");
    let ran = quirl(&["package", "refresh", "/ann"], &[(status, headers, &body)]);
    let told = "\
error: Package refresh for namespace 'ann' failed
  why: The package refresh feature is not implemented in the target deployment.
 next: nothing need be done: bindings follow their package by themselves
";
    assert_eq!((ran.code, ran.err.as_str()), (148, told));
}

#[test]
fn refusals_are_told_with_what_to_do() {
    for (words, answer, code, what, next) in [
        (
            "package create utils",
            (409, "resource already exists"),
            153,
            "Unable to create package 'utils'",
            "change it with `quirl package update utils`, or choose another name",
        ),
        (
            "package create utils",
            (409, "Resource by this name exists but is not in this collection."),
            153,
            "Unable to create package 'utils'",
            "choose another name: actions, packages, triggers and rules share theirs",
        ),
        (
            "package delete utils",
            (
                409,
                "Package not empty (contains 1 entity). Set force param or delete package contents.",
            ),
            153,
            "Unable to delete package 'utils'",
            "with all that is in it: quirl package delete utils --force",
        ),
        (
            "package bind utils mine",
            (400, "Binding references a package that does not exist."),
            144,
            "Unable to create binding 'mine'",
            "see the forms: add --help",
        ),
        (
            "trigger fire t1",
            (404, "The requested resource does not exist."),
            148,
            "Unable to fire trigger 't1'",
            "see what there is: quirl trigger list",
        ),
        (
            "rule create r1 t1 a1",
            (400, "trigger /guest/t1 does not exist"),
            144,
            "Unable to create rule 'r1'",
            "see what there is: quirl trigger list, quirl action list",
        ),
        (
            "rule enable r1",
            (404, "Only rules with existing triggers can be activated"),
            148,
            "Unable to enable rule 'r1'",
            "its trigger is gone: quirl rule update r1 TRIGGER ACTION",
        ),
        (
            "rule list",
            (403, "no"),
            147,
            "Unable to obtain the list of rules for namespace '_'",
            "a key opens only its own namespace: quirl namespace list",
        ),
    ] {
        check_refused(words, answer, code, what, next);
    }
    for words in [
        &["package", "get", "a/b"][..],
        &["rule", "enable", "/ns"],
        &["rule", "create", "r", "a/b", "c"],
    ] {
        let ran = quirl(words, &[]);
        assert_eq!(ran.code, 2);
        assert!(ran.err.contains("is no name such as hello or /ns/hello"), "{}", ran.err);
    }
}

#[test]
fn triggers_are_made_fired_and_listed() {
    let put = r#"{"namespace":"_","name":"t1","annotations":[{"key":"x","value":"y"}],"parameters":[{"key":"a","value":"A"}]}"#;
    check(
        "trigger create t1 -p a A -a x y",
        (200, TRIGGER),
        ("PUT N/triggers/t1?overwrite=false", put),
        "ok: created trigger t1\n",
    );
    let get = ("GET N/triggers/t1", "");
    let all = format!("ok: got trigger t1\n{}", pretty(TRIGGER));
    check("trigger get t1", (200, TRIGGER), get, &all);
    let field = "ok: got trigger t1, displaying field version\n\"0.0.1\"\n";
    check("trigger get t1 version", (200, TRIGGER), get, field);
    let summary = "trigger /guest/t1\n   (parameters: *a)\n";
    check("trigger get t1 -s", (200, TRIGGER), get, summary);

    let accepted = format!(r#"{{"activationId":"{ID}"}}"#);
    let fired = format!("ok: triggered /_/t1 with id {ID}\n");
    let post = "POST N/triggers/t1";
    check("trigger fire t1", (202, &accepted), (post, "{}"), &fired);
    check("trigger fire t1 -p b 2", (202, &accepted), (post, r#"{"b":2}"#), &fired);
    check(
        "trigger fire t1 hi --idempotency-key k",
        (202, &accepted),
        (post, r#"{"payload":"hi"}"#),
        &fired,
    );
    let ran = quirl(&["trigger", "fire", "/ann/t1"], &[(204, "", "")]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "ok: triggered /ann/t1 with id \n"));
    assert_eq!(ran.err, "no rule of it is active: nothing was started\n");

    let list = r#"[{"annotations":[],"name":"t1","namespace":"guest","publish":false,"updated":1,"version":"0.0.1"}]"#;
    let line = format!("triggers\n{:<70} private\n", "/guest/t1");
    check("trigger list", (200, list), ("GET N/triggers?limit=30&skip=0", ""), &line);

    let (_, _, missing) = refused(404, "no");
    for script in [
        [(200, "", TRIGGER), (200, "", TRIGGER)],
        [(404, "", missing.as_str()), (200, "", TRIGGER)],
    ] {
        let ran = quirl(&["trigger", "update", "t1", "-T", "a", "1"], &script);
        let is_new = script[0].0 == 404;
        let (word, overwrite) = if is_new { ("created", false) } else { ("updated", true) };
        assert_eq!((ran.code, ran.out), (0, format!("ok: {word} trigger t1\n")));
        let body = r#"{"namespace":"_","name":"t1","parameters":[{"key":"a","value":1}]}"#;
        let put = (format!("PUT {N}/triggers/t1?overwrite={overwrite}"), body.to_owned());
        assert_eq!(ran.asked, [(format!("GET {N}/triggers/t1"), String::new()), put]);
    }
    let ran = quirl(&["trigger", "delete", "t1"], &[(200, "", TRIGGER), (200, "", TRIGGER)]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "ok: deleted trigger t1\n"));
    let asked: Vec<_> = ran.asked.iter().map(|(request, _)| request.clone()).collect();
    assert_eq!(asked, [format!("GET {N}/triggers/t1"), format!("DELETE {N}/triggers/t1")]);
}

/// The request that tells a feed something, with the user's parameters in front.
fn event(event: &str, given: &str) -> (String, String) {
    let body =
        format!(r#"{{{given}"lifecycleEvent":"{event}","triggerName":"/_/t1","authKey":"u:s"}}"#);
    (format!("POST {N}/actions/utils/ticker?blocking=true&result=false"), body)
}

fn plain(request: &str) -> (String, String) {
    (request.replace("N/", &format!("{N}/")), String::new())
}

#[test]
fn a_feed_is_told_of_its_trigger() {
    let words = |text: &'static str| text.split(' ').collect::<Vec<_>>();
    let fed = (200, "", FED);
    let told = (200, "", RECORD);
    let shown = format!("ok: invoked /_/utils/ticker with id {ID}\n{}", pretty(RECORD));
    let put = |overwrite: bool, parameters: &str| {
        let annotations = r#""annotations":[{"key":"feed","value":"/_/utils/ticker"}]"#;
        let body = format!(r#"{{"namespace":"_","name":"t1",{annotations}{parameters}}}"#);
        (format!("PUT {N}/triggers/t1?overwrite={overwrite}"), body)
    };

    let line = "trigger create t1 --feed utils/ticker -p minutes 5";
    let ran = quirl(&words(line), &[fed, told]);
    assert_eq!((ran.code, ran.out), (0, format!("{shown}ok: created trigger t1\n")));
    assert_eq!(ran.asked, [put(false, ""), event("CREATE", r#""minutes":5,"#)]);

    let line = "trigger create t1 --feed utils/ticker -F minutes 5 -T a A";
    let ran = quirl(&words(line), &[fed, told]);
    assert_eq!(ran.code, 0);
    let own = r#","parameters":[{"key":"a","value":"A"}]"#;
    assert_eq!(ran.asked, [put(false, own), event("CREATE", r#""minutes":5,"#)]);

    let get = plain("GET N/triggers/t1");
    let ran = quirl(&words("trigger get t1"), &[fed, told]);
    assert_eq!((ran.code, &ran.out), (0, &shown));
    assert_eq!(ran.asked, [get.clone(), event("READ", "")]);

    let ran = quirl(&words("trigger update t1 -p minutes 9"), &[fed, told]);
    assert_eq!((ran.code, ran.out), (0, format!("{shown}ok: updated trigger t1\n")));
    assert_eq!(ran.asked, [get.clone(), event("UPDATE", r#""minutes":9,"#)]);

    let ran = quirl(&words("trigger update t1 -F minutes 9 -a x y"), &[fed, fed, told]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let body = r#"{"namespace":"_","name":"t1","annotations":[{"key":"x","value":"y"},{"key":"feed","value":"/_/utils/ticker"}]}"#;
    assert_eq!(ran.asked[1], (format!("PUT {N}/triggers/t1?overwrite=true"), body.to_owned()));
    assert_eq!(ran.asked[2], event("UPDATE", r#""minutes":9,"#));

    let ran = quirl(&words("trigger delete t1"), &[fed, told, fed]);
    assert_eq!((ran.code, ran.out), (0, format!("{shown}ok: deleted trigger t1\n")));
    assert_eq!(ran.asked, [get, event("DELETE", ""), plain("DELETE N/triggers/t1")]);
}

#[test]
fn a_trigger_that_its_feed_does_not_take_is_removed_again() {
    let failed = RECORD
        .replace(r#""success":true"#, r#""success":false"#)
        .replace(r#"{"payload":"hello Ann"}"#, r#"{"error":"no such interval"}"#);
    let (_, _, missing) = refused(404, "The requested resource does not exist.");
    let accepted = format!(r#"{{"activationId":"{ID}"}}"#);
    let logs = format!("see what it printed: quirl activation logs {ID}");
    for (answer, code, why, next) in [
        ((502, failed.as_str()), 246, "did not take CREATE: no such interval", logs.as_str()),
        ((202, &accepted), 202, "has not yet answered CREATE", &logs),
        (
            (404, &missing),
            148,
            "could not be told CREATE: The requested resource does not exist. (code T1)",
            "see what the feed takes: quirl action get FEED --summary",
        ),
    ] {
        let answer = (answer.0, "", answer.1);
        let script = [(200, "", FED), answer, (200, "", FED), answer, (200, "", FED)];
        let ran = quirl(&["trigger", "create", "t1", "-f", "utils/ticker"], &script);
        let told = format!(
            "error: Unable to create trigger 't1'\n  why: its feed /_/utils/ticker {why}\n next: {next}\n"
        );
        assert_eq!((ran.code, ran.out, ran.err), (code, String::new(), told));
        let after = [
            event("CREATE", ""),
            plain("GET N/triggers/t1"),
            event("DELETE", ""),
            plain("DELETE N/triggers/t1"),
        ];
        assert_eq!(ran.asked[1..], after);
    }
}

#[test]
fn a_feed_that_is_gone_keeps_no_trigger_alive() {
    let (_, _, missing) = refused(404, "gone");
    let script = [(200, "", FED), (404, "", missing.as_str()), (200, "", FED)];
    let ran = quirl(&["trigger", "delete", "t1"], &script);
    assert_eq!((ran.code, ran.out.as_str()), (0, "ok: deleted trigger t1\n"));
    assert_eq!(
        ran.err,
        "its feed did not take the end of it: its feed /_/utils/ticker could not be told DELETE: \
         gone (code T1)\n"
    );
}

#[test]
fn parameters_of_feeds_and_triggers_are_not_mixed_up() {
    for (words, script, why) in [
        ("trigger create t1 -F a b", &[][..], "--feed-param is for a trigger with a feed."),
        ("trigger create t1 -p a b -T c d", &[], "--param goes not together with"),
        ("trigger update t1 -f other", &[(200, "", FED)], "its feed is /_/utils/ticker"),
        ("trigger update t1 -f other", &[(200, "", TRIGGER)], "it has no feed"),
    ] {
        let ran = quirl(&words.split(' ').collect::<Vec<_>>(), script);
        assert_eq!(ran.code, 2, "{words}");
        assert!(ran.err.contains(why), "{}", ran.err);
    }
}

#[test]
fn rules_are_made_switched_and_deleted() {
    let put = r#"{"name":"r1","trigger":"/_/t1","action":"/ann/utils/hello"}"#;
    for (verb, overwrite) in [("create", false), ("update", true)] {
        check(
            &format!("rule {verb} r1 t1 /ann/utils/hello"),
            (200, RULE),
            (&format!("PUT N/rules/r1?overwrite={overwrite}"), put),
            &format!("ok: {verb}d rule r1\n"),
        );
    }
    for (verb, body) in
        [("enable", r#"{"status":"active"}"#), ("disable", r#"{"status":"inactive"}"#)]
    {
        check(
            &format!("rule {verb} r1"),
            (200, "OK"),
            ("POST N/rules/r1", body),
            &format!("ok: {verb}d rule r1\n"),
        );
    }
    let get = ("GET N/rules/r1", "");
    check("rule status r1", (200, RULE), get, "ok: rule r1 is active\n");
    check("rule get r1", (200, RULE), get, &format!("ok: got rule r1\n{}", pretty(RULE)));
    let field = "ok: got rule r1, displaying field status\n\"active\"\n";
    check("rule get r1 status", (200, RULE), get, field);
    check("rule get r1 -s", (200, RULE), get, "rule /guest/r1\n   (status: active)\n");
    check("rule delete r1", (200, RULE), ("DELETE N/rules/r1", ""), "ok: deleted rule r1\n");
    let ran = quirl(&["rule", "delete", "r1", "--disable"], &[(200, "", "OK"), (200, "", RULE)]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "ok: deleted rule r1\n"));
    let off = (format!("POST {N}/rules/r1"), r#"{"status":"inactive"}"#.to_owned());
    assert_eq!(ran.asked, [off, plain("DELETE N/rules/r1")]);
}

#[test]
fn rules_are_listed_with_their_status() {
    let listed = RULE.replace(r#""status":"active","#, "");
    let list = format!("[{listed},{}]", listed.replace("r1", "gone"));
    let (_, _, missing) = refused(404, "no");
    let script = [(200, "", list.as_str()), (200, "", RULE), (404, "", &missing)];
    let ran = quirl(&["rule", "list"], &script);
    let line = format!("{:<70} {:<20} active\n", "/guest/r1", "private");
    assert_eq!((ran.code, ran.out), (0, format!("rules\n{line}")));
    let asked = ["GET N/rules?limit=30&skip=0", "GET N/rules/r1", "GET N/rules/gone"];
    assert_eq!(ran.asked, asked.map(plain));
}

#[test]
fn a_namespace_is_shown_with_all_that_is_in_it() {
    let action = r#"[{"annotations":[{"key":"exec","value":"nodejs:20"}],"exec":{"binary":false},"limits":{"concurrency":1,"logs":10,"memory":256,"timeout":60000},"name":"hello","namespace":"guest","publish":false,"updated":1,"version":"0.0.1"}]"#;
    let package = r#"[{"annotations":[],"binding":{"name":"u","namespace":"ann"},"name":"mine","namespace":"guest","publish":false,"updated":1,"version":"0.0.1"}]"#;
    let trigger = r#"[{"annotations":[],"name":"t1","namespace":"guest","publish":false,"updated":1,"version":"0.0.1"}]"#;
    let rules = format!("[{}]", RULE.replace(r#""status":"active","#, ""));
    let script = [
        (200, "", action),
        (200, "", package),
        (200, "", trigger),
        (200, "", rules.as_str()),
        (200, "", RULE),
    ];
    for words in [&["namespace", "get"][..], &["list"], &["namespace", "get", "/_"]] {
        let ran = quirl(words, &script);
        let expected = format!(
            "Entities in namespace: default\npackages\n{:<70} private\nactions\n{:<70} private \
             nodejs:20\ntriggers\n{:<70} private\nrules\n{:<70} {:<20} active\n",
            "/guest/mine", "/guest/hello", "/guest/t1", "/guest/r1", "private"
        );
        assert_eq!((ran.code, ran.out), (0, expected));
        let asked = ["actions", "packages", "triggers", "rules"]
            .map(|all| plain(&format!("GET N/{all}?limit=0&skip=0")));
        assert_eq!(ran.asked[..4], asked);
        assert_eq!(ran.asked[4], plain("GET N/rules/r1"));
    }
}
