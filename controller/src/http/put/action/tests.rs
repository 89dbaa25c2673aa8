//! PUT bodies as they come, and what is made of them.

use model::parameters::Parameter;

use super::*;

fn guest() -> Namespace {
    Namespace::new("guest").unwrap()
}

fn parse(body: &str) -> Result<Put, String> {
    let body = Json::parse(body.as_bytes()).unwrap();
    Put::parse(&body, &guest(), &Runtimes::manifest()).map_err(|bad| {
        let text = bad.to_string();
        text.strip_prefix("The request content was malformed:\n").unwrap().to_owned()
    })
}

fn put(body: &str) -> Put {
    parse(body).unwrap()
}

fn shown(parameters: &Parameters) -> String {
    let one = |p: &Parameter| format!("{}={}", p.key, p.value.as_str());
    parameters.as_slice().iter().map(one).collect::<Vec<_>>().join(" ")
}

fn stored(body: &str) -> Action {
    put(body).merged(None, None, WallTime(1)).unwrap()
}

#[test]
fn malformed_bodies_are_told_in_the_words_of_the_contract() {
    let name = "requirement failed: The fully qualified name of the entity must contain at least \
                the namespace and the name of the entity.";
    for (body, reason) in [
        ("[]", "Object expected in field 'exec'"),
        ("\"x\"", "Object expected in field 'exec'"),
        (r#"{"exec":"x"}"#, "JSON object expected"),
        (r#"{"exec":{}}"#, "'kind' must be a string defined in 'exec'"),
        (r#"{"exec":{"kind":1}}"#, "'kind' must be a string defined in 'exec'"),
        (
            r#"{"exec":{"kind":"nodejs:20"}}"#,
            "'code' must be a string or attachment object defined in 'exec' for 'nodejs:20' actions",
        ),
        (
            r#"{"exec":{"kind":"nodejs:20","code":7}}"#,
            "Could not deserialize as attachment record: 7",
        ),
        (
            r#"{"exec":{"kind":"nodejs:20","code":null}}"#,
            "Could not deserialize as attachment record: null",
        ),
        (
            r#"{"exec":{"kind":"nodejs:20","code":"","main":1}}"#,
            "if defined, 'main' be a string in 'exec' for 'nodejs:20' actions",
        ),
        (
            r#"{"exec":{"kind":"java:8","jar":"AAAA"}}"#,
            "'main' must be a string defined in 'exec' for 'java:8' actions",
        ),
        (
            r#"{"exec":{"kind":"blackbox"}}"#,
            "'image' must be a string defined in 'exec' for 'blackbox' actions",
        ),
        (r#"{"exec":{"kind":"blackbox","image":"A B"}}"#, "could not parse image name"),
        (r#"{"exec":{"kind":"sequence"}}"#, "'components' must be defined for sequence kind"),
        (r#"{"exec":{"kind":"sequence","components":1}}"#, "'components' must be an array"),
        (r#"{"exec":{"kind":"sequence","components":[1]}}"#, "fully qualified name malformed"),
        (r#"{"exec":{"kind":"sequence","components":["a"]}}"#, name),
        (r#"{"parameters":{}}"#, "parameters malformed!"),
        (r#"{"parameters":[{"key":"a"}]}"#, "parameters malformed!"),
        (r#"{"annotations":[{"value":1}]}"#, "parameters malformed!"),
        (r#"{"version":1}"#, "semantic version malformed"),
        (r#"{"version":"0.0.0"}"#, "semantic version malformed"),
        (r#"{"publish":"yes"}"#, "Expected JsBoolean, but got \"yes\""),
        (r#"{"delAnnotations":"x"}"#, "Expected Array as JsArray, but got \"x\""),
        (r#"{"limits":[]}"#, "Object expected in field 'timeout'"),
        (r#"{"limits":{"timeout":"x"}}"#, "time limit malformed"),
        (r#"{"limits":{"timeout":1.5}}"#, "requirement failed: time limit must be whole number"),
        (r#"{"limits":{"memory":[]}}"#, "memory limit malformed"),
        (r#"{"limits":{"memory":1e-1}}"#, "requirement failed: memory limit must be whole number"),
        (r#"{"limits":{"logs":{}}}"#, "log limit malformed"),
        (r#"{"limits":{"logs":0.5}}"#, "requirement failed: log limit must be whole number"),
        (
            r#"{"limits":{"logs":-1}}"#,
            "requirement failed: a negative size of an object is not allowed.",
        ),
        (r#"{"limits":{"concurrency":""}}"#, "concurrency limit malformed"),
        (
            r#"{"limits":{"concurrency":1.1}}"#,
            "requirement failed: intra concurrency limit must be whole number",
        ),
        (r#"{"limits":{"instances":""}}"#, "instance concurrency limit malformed"),
        (
            r#"{"limits":{"instances":-1}}"#,
            "requirement failed: Action container concurrency must be greater than or equal to 0.",
        ),
    ] {
        assert_eq!(parse(body).unwrap_err(), reason, "{body}");
    }
    let unknown = parse(r#"{"exec":{"kind":" COBOL:1 ","code":""}}"#).unwrap_err();
    assert!(unknown.starts_with("The specified runtime 'cobol:1' is not supported"), "{unknown}");
}

#[test]
fn null_counts_as_absent() {
    let put = put(r#"{"exec":null,"parameters":null,"limits":{"memory":null},"version":null}"#);
    assert_eq!((put.exec, put.parameters, put.version), (None, None, None));
    assert_eq!(put.limits, PutLimits::default());
}

#[test]
fn limits_out_of_bounds_are_shown_as_they_were_sent_memory_first() {
    let limits = NamespaceLimits::default();
    for (body, text) in [
        (
            r#"{"limits":{"timeout":100.0,"memory":128,"logs":0,"concurrency":1,"instances":30}}"#,
            "",
        ),
        (
            r#"{"limits":{"timeout":300001,"memory":513}}"#,
            "requirement failed: memory size 513 MB exceeds allowed threshold of 512 MB",
        ),
        (
            r#"{"limits":{"timeout":99}}"#,
            "requirement failed: duration 99 milliseconds below allowed threshold of 100 \
             milliseconds",
        ),
        (
            r#"{"limits":{"timeout":99999999999999999999}}"#,
            "requirement failed: duration 99999999999999999999 milliseconds exceeds allowed \
             threshold of 300000 milliseconds",
        ),
        (
            r#"{"limits":{"timeout":-1e400}}"#,
            "requirement failed: duration -1E+400 milliseconds below allowed threshold of 100 \
             milliseconds",
        ),
        (
            r#"{"limits":{"logs":11}}"#,
            "requirement failed: log size 11 MB exceeds allowed threshold of 10 MB",
        ),
        (
            r#"{"limits":{"concurrency":0}}"#,
            "requirement failed: concurrency 0 below allowed threshold of 1",
        ),
        (
            r#"{"limits":{"instances":31}}"#,
            "Max action instance concurrency must not exceed your namespace concurrency of 30.",
        ),
    ] {
        let told = put(body).check_values(&limits).err().map(|invalid| invalid.to_string());
        assert_eq!(told.unwrap_or_default(), text, "{body}");
    }
}

#[test]
fn annotations_of_ours_are_checked() {
    let limits = NamespaceLimits::default();
    for (annotation, expected) in [
        (r#"{"key":"retry","value":{"attempts":2}}"#, Ok(())),
        (r#"{"key":"retry","value":{"attempts":11}}"#, Err(Invalid::Retry)),
        (r#"{"key":"retry","value":{"attempts":"2"}}"#, Err(Invalid::Retry)),
        (r#"{"key":"retry","value":3}"#, Err(Invalid::Retry)),
        (r#"{"key":"driver","value":"docker"}"#, Ok(())),
        (r#"{"key":"driver","value":"qemu"}"#, Err(Invalid::Driver)),
        (r#"{"key":"driver","value":1}"#, Err(Invalid::Driver)),
    ] {
        let put = put(&format!("{{\"annotations\":[{annotation}]}}"));
        assert_eq!(put.check_values(&limits), expected, "{annotation}");
    }
    let told = Invalid::Retry.to_string();
    assert_eq!(told, r#"The annotation 'retry' must be {"attempts": n} with n from 2 to 10."#);
}

#[test]
fn sizes_are_those_of_the_contract() {
    let long = "x".repeat(1 << 20);
    let limits = NamespaceLimits::default();
    let put = put(&format!(r#"{{"parameters":[{{"key":"a","value":"{long}"}}]}}"#));
    let told = put.check_sizes(&limits).unwrap_err().to_string();
    assert_eq!(told, "parameters larger than allowed: 1048579 > 1048576 bytes.");
}

#[test]
fn a_new_action_gets_defaults_and_the_annotations_of_the_server_behind_its_own() {
    let action = stored(
        r#"{"exec":{"kind":"nodejs:default","code":"test"},
            "annotations":[{"key":"exec","value":"x"},{"key":"a","value":1}]}"#,
    );
    assert_eq!(shown(&action.annotations), r#"exec="nodejs:20" a=1 provide-api-key=false"#);
    assert_eq!(action.exec.kind(), "nodejs:20");
    assert_eq!(action.version.to_string(), "0.0.1");
    assert_eq!(action.limits, ActionLimits::default());
    assert_eq!(put("{}").merged(None, None, WallTime(0)), Err(Invalid::NoExec));
}

#[test]
fn an_update_merges_as_the_contract_says() {
    let before = stored(
        r#"{"exec":{"kind":"nodejs:20","code":"x"},"publish":true,
            "parameters":[{"key":"p","value":1}],"limits":{"memory":128,"instances":3},
            "annotations":[{"key":"a","value":1},{"key":"b","value":1}]}"#,
    );
    let update = put(r#"{"limits":{"timeout":1000},"delAnnotations":["a"],
            "annotations":[{"key":"b","value":2},{"key":"c","value":3}]}"#);
    let after = update.merged(Some(&before), None, WallTime(2)).unwrap();
    assert_eq!(shown(&after.annotations), r#"b=2 provide-api-key=false exec="nodejs:20" c=3"#);
    assert_eq!(shown(&after.parameters), "p=1");
    assert_eq!(after.version.to_string(), "0.0.2");
    assert_eq!((after.limits.memory, after.limits.timeout.0), (128, 1000));
    assert_eq!(after.limits.instances, Some(3));
    assert!(after.publish);
    let versioned = put(r#"{"version":"2","parameters":[]}"#);
    let after = versioned.merged(Some(&before), None, WallTime(2)).unwrap();
    assert_eq!((after.version.to_string().as_str(), after.parameters.is_empty()), ("2.0.0", true));
}

#[test]
fn sequences_own_their_parameters_and_some_limits() {
    let code = stored(r#"{"exec":{"kind":"nodejs:20","code":"x"},"limits":{"memory":512}}"#);
    let update =
        put(r#"{"exec":{"kind":"sequence","components":["/_/a",{"path":"guest/p","name":"b"}]},
            "parameters":[{"key":"p","value":1}]}"#);
    let sequence = update.merged(Some(&code), None, WallTime(2)).unwrap();
    assert_eq!(shown(&sequence.parameters), r#"_actions=["/guest/a","/guest/p/b"]"#);
    assert_eq!(sequence.annotations.get("exec").unwrap().as_str(), "\"sequence\"");
    assert_eq!(sequence.limits.memory, 256);
    let back = put(r#"{"exec":{"kind":"nodejs:20","code":"x"}}"#);
    let back = back.merged(Some(&sequence), None, WallTime(3)).unwrap();
    assert!(back.parameters.is_empty());
    for (limits, expected) in [
        (r#"{"memory":256,"concurrency":1,"timeout":5}"#, Ok(())),
        (r#"{"memory":128}"#, Err(Invalid::SequenceLimit("memory"))),
        (r#"{"instances":0}"#, Err(Invalid::SequenceLimit("instances"))),
    ] {
        let put = put(&format!("{{\"limits\":{limits}}}"));
        assert_eq!(put.check_sequence_limits(), expected, "{limits}");
    }
}

#[test]
fn image_names_are_recognised() {
    for (image, good) in [
        ("myorg/myimage:1.2", true),
        ("image", true),
        ("localhost:5000/a/b:Tag_1", true),
        ("reg.example.com/a", true),
        ("a@sha256:00", true),
        ("A/b", false),
        ("a b", false),
        ("", false),
        ("a:", false),
        ("a//b", false),
    ] {
        assert_eq!(is_image(image), good, "{image}");
    }
}
