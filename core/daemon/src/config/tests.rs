//! The merge, its problems and what is shown of it.

use model::size::ByteSize;

use super::*;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Config {
    server: Server,
    invoker: Invoker,
    guest: Guest,
    log: crate::telemetry::Config,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Server {
    listen: String,
    insecure_http: bool,
    token: Secret,
    data: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Invoker {
    wasm_memory: ByteSize,
    threads: u16,
    allow: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Guest {
    limits: Limits,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Limits {
    invocations_per_minute: Option<u64>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:3233".to_owned(),
            insecure_http: false,
            token: Secret::default(),
            data: None,
        }
    }
}

impl Default for Invoker {
    fn default() -> Self {
        Self { wasm_memory: ByteSize::mib(512), threads: 2, allow: vec![] }
    }
}

fn sources(file: &str, environment: &[(&str, &str)], flags: &[(&str, &str, &str)]) -> Sources {
    let text = |it: &&str| (*it).to_owned();
    Sources {
        file: Some(File { path: "quirld.toml".into(), text: file.to_owned() }),
        environment: environment.iter().map(|(a, b)| (text(a), text(b))).collect(),
        flags: flags
            .iter()
            .map(|(name, key, value)| Flag { name: text(name), key: text(key), value: text(value) })
            .collect(),
    }
}

#[track_caller]
fn check_problems(sources: &Sources, expected: &[&str]) {
    let problems = load::<Config>(sources).map(|loaded| loaded.value).unwrap_err();
    assert_eq!(problems.to_string().lines().collect::<Vec<_>>(), expected);
}

#[test]
fn later_sources_win_and_each_value_knows_its_own() {
    let file = "[server]\nlisten = \"[::1]:1\"\ninsecure-http = true\n\n[invoker]\nwasm-memory = \"64 MiB\"\nthreads = 4\n";
    let loaded: Loaded<Config> = load(&sources(
        file,
        &[
            ("HOME", "/root"),
            ("QUIRL_DATA", "/elsewhere"),
            ("QUIRL_INVOKER__WASM_MEMORY", "128 MiB"),
            ("QUIRL_GUEST__LIMITS__INVOCATIONS_PER_MINUTE", "7"),
            ("QUIRL_INVOKER__ALLOW", "[\"10.0.0.0/8\"]"),
            ("QUIRL_SERVER__TOKEN", "12345"),
        ],
        &[("--listen", "server.listen", "0.0.0.0:80")],
    ))
    .unwrap();
    let config = &loaded.value;
    assert_eq!(config.server.listen, "0.0.0.0:80");
    assert!(config.server.insecure_http);
    assert_eq!(
        config.server.token.reveal(),
        "12345",
        "a number is a text where a text is asked for"
    );
    assert_eq!(config.invoker.wasm_memory, ByteSize::mib(128));
    assert_eq!(config.invoker.threads, 4);
    assert_eq!(config.invoker.allow, ["10.0.0.0/8"]);
    assert_eq!(config.guest.limits.invocations_per_minute, Some(7));

    assert_eq!(loaded.origin("server.listen").to_string(), "--listen");
    assert_eq!(loaded.origin("server.insecure-http").to_string(), "quirld.toml:3");
    assert_eq!(loaded.origin("invoker.wasm-memory").to_string(), "QUIRL_INVOKER__WASM_MEMORY");
    assert_eq!(loaded.origin("invoker.threads").to_string(), "quirld.toml:7");
    assert_eq!(loaded.origin("log.level"), Origin::Default);
    assert_eq!(
        loaded.problem("invoker.threads", "more than this machine has").to_string(),
        "quirld.toml:7: invoker.threads: more than this machine has"
    );
}

#[test]
fn nothing_at_all_gives_the_defaults() {
    assert_eq!(load::<Config>(&Sources::default()).unwrap().value, Config::default());
}

#[test]
fn all_problems_are_told_at_once_with_place_and_nearest_name() {
    let file = "[invoker]\nwasm-memry = \"64 MiB\"\nthreads = \"many\"\n\n[sever]\nlisten = \"x\"\n\n[server]\nthreads = 2\nzzz = 1\n";
    check_problems(
        &sources(
            file,
            &[("QUIRL_INVOKER__THREADS", "70000"), ("QUIRL_GUEST__LIMIT__X", "1")],
            &[("--wasm-memory", "invoker.wasm-memory", "64 MB")],
        ),
        &[
            "quirld.toml:2: invoker.wasm-memry: no such key; did you mean wasm-memory?",
            "quirld.toml:3: invoker.threads: invalid type: string \"many\", expected u16",
            "quirld.toml:5: sever: no such key; did you mean server?",
            "quirld.toml:9: server.threads: no such key; did you mean invoker.threads?",
            "quirld.toml:10: server.zzz: no such key",
            "QUIRL_INVOKER__THREADS: invoker.threads: invalid value: integer `70000`, expected u16",
            "QUIRL_GUEST__LIMIT__X: guest.limit.x: no such key; did you mean limits?",
            "--wasm-memory: invoker.wasm-memory: a size is a whole number with a unit B, KiB, MiB or GiB, such as \"64 MiB\"",
        ],
    );
}

#[test]
fn a_file_that_is_no_toml_is_told_with_its_line() {
    let problems =
        load::<Config>(&sources("[server]\nlisten = \n", &[], &[])).map(|it| it.value).unwrap_err();
    assert!(problems.to_string().starts_with("quirld.toml:2: this is not TOML: "), "{problems}");
}

#[test]
fn a_section_where_a_value_belongs_is_told_and_the_other_way_round() {
    check_problems(
        &sources("server = 3\n[invoker.threads]\na = 1\n", &[], &[]),
        &[
            "quirld.toml:1: server: invalid type: integer `3`, expected struct Server",
            "quirld.toml:2: invoker.threads: invalid type: map, expected u16",
        ],
    );
}

#[test]
fn what_is_in_force_is_shown_with_its_origin_and_without_secrets() {
    let loaded: Loaded<Config> = load(&sources(
        "[server]\ntoken = \"hunter2\"\n[invoker]\nallow = [\"a\"]\n",
        &[],
        &[("--log-level", "log.level", "debug")],
    ))
    .unwrap();
    let expected = "\
# guest.limits.invocations-per-minute is not set  # default
invoker.allow = [\"a\"]                             # quirld.toml:4
invoker.threads = 2                               # default
invoker.wasm-memory = \"512 MiB\"                   # default
log.format = \"text\"                               # default
log.level = \"debug\"                               # --log-level
# server.data is not set                          # default
server.insecure-http = false                      # default
server.listen = \"127.0.0.1:3233\"                  # default
server.token = \"(hidden)\"                         # quirld.toml:2
";
    assert_eq!(loaded.show(), expected);
    assert!(!format!("{loaded:?}").contains("hunter2"));
}

#[test]
fn a_secret_is_not_told_in_a_problem() {
    for secret in ["[\"4711\"]", "4711", "{ a = 4711 }"] {
        check_problems(
            &sources(&format!("server.token = {secret}"), &[], &[]),
            &["quirld.toml:1: server.token: a secret is written as a string, in quotes"],
        );
    }
}
