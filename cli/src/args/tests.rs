//! The command line is read as `wsk` reads it, and its help says what the file says.

use clap::{CommandFactory as _, Parser as _};

use super::*;

/// All help texts, one after the other, at a width of 100.
fn help() -> String {
    let mut command = Args::command().term_width(100);
    command.build();
    let mut out = String::new();
    tell(&mut command, &mut out);
    out
}

fn tell(command: &mut clap::Command, out: &mut String) {
    let name = command.get_bin_name().unwrap_or("quirl").to_owned();
    let text = command.render_help().to_string();
    let lines: Vec<_> = text.lines().map(str::trim_end).collect();
    out.push_str(&format!("==== {name} --help\n{}\n\n", lines.join("\n").trim_end()));
    for command in command.get_subcommands_mut().filter(|command| command.get_name() != "help") {
        tell(command, out);
    }
}

const HELP: &str = include_str!("help.txt");

#[test]
fn help_says_what_the_file_says() {
    let help = help();
    let differs = help.lines().zip(HELP.lines()).find(|(ours, theirs)| ours != theirs);
    let same = differs.is_none() && help.len() == HELP.len();
    assert!(same, "{differs:?}; if that is meant: cargo test -p quirl-cli -- --ignored bless");
}

#[test]
#[ignore = "writes cli/src/args/help.txt"]
fn bless() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/args/help.txt");
    std::fs::write(path, help()).unwrap();
}

#[test]
fn flags_do_not_contradict_each_other() {
    Args::command().debug_assert();
}

fn define(words: &str) -> action::Define {
    let args = Args::try_parse_from(words.split(' ')).unwrap();
    match args.noun {
        Noun::Action(action::Verb::Create(define) | action::Verb::Update(define)) => *define,
        other => panic!("{other:?}"),
    }
}

#[test]
fn forms_of_wsk_are_read() {
    let define = define(
        "wsk action create p/a a.js -p k v --param n -5 -a x y -P f -A g -t 5 -m 128 -l 1 -c 2 \
         --kind nodejs:20 --main m --web true -i -v -u a:b --apihost h",
    );
    assert_eq!((define.name.as_str(), define.artifact.as_deref()), ("p/a", Some("a.js")));
    assert_eq!(define.parameters.param, ["k", "v", "n", "-5"]);
    assert_eq!(define.annotations.annotation, ["x", "y"]);
    let limits = [define.timeout, define.memory, define.logsize, define.concurrency];
    assert_eq!(limits, [Some(5), Some(128), Some(1), Some(2)]);
    assert_eq!(define.web, Some(action::Web::True));
    assert_eq!(define.connection.auth.as_deref(), Some("a:b"));
}

#[test]
fn what_is_said_behind_the_verb_wins_over_what_is_said_before_the_noun() {
    let words = "wsk -i --apihost one -u k action list -n --apihost two";
    let args = Args::try_parse_from(words.split(' ')).unwrap();
    let Noun::Action(action::Verb::List(list)) = args.noun else { panic!("{:?}", args.noun) };
    assert!(list.name_sort);
    let connection = list.connection.or(args.connection);
    assert_eq!(connection.apihost.as_deref(), Some("two"));
    assert_eq!((connection.auth.as_deref(), connection.insecure), (Some("k"), true));
}

#[test]
fn each_form_is_taken_or_refused() {
    for (words, taken) in [
        ("action create a --sequence a,b", true),
        ("action create s a,b --sequence", true),
        ("action create a b --copy", true),
        ("action create a f --web RAW", true),
        ("action create a f --web no", true),
        ("action create a f --web maybe", false),
        ("action create a f --kind x --docker y", false),
        ("action update a", true),
        ("action update a --del-annotation x --del-annotation y", true),
        ("action create a f -p onlykey", false),
        ("action create", false),
        ("action invoke a -b -r -p x {}", true),
        ("action invoke a -br", true),
        ("action get a limits", true),
        ("action get a limits --url", false),
        ("action list /ns -l 5 -s 2 -n", true),
        ("action list -l x", false),
        ("activation list a -f --since 1 --upto 2", true),
        ("activation get --last", true),
        ("activation get --last response", true),
        ("activation get x response", true),
        ("activation get", false),
        ("activation logs x --strip", true),
        ("activation logs x --last", false),
        ("activation result -l", true),
        ("activation history x --json", true),
        ("activation cancel x", true),
        ("activation poll a -e 5", true),
        ("property get --auth --apihost", true),
        ("property set -u x --apihost y", true),
        ("property set", false),
        ("property unset --auth", true),
        ("list", true),
        ("namespace list", true),
        ("up -d --listen 127.0.0.1:0", true),
        ("up -- --config x -d", true),
        ("down", true),
        ("admin", false),
        ("admin user create ann-lee", true),
        ("admin user create ann-lee --key a:b", true),
        ("admin user list -l 5 -s 2", true),
        ("admin user delete ann-lee --force", true),
        ("admin key add ann-lee --namespace ann-test", true),
        ("admin key revoke ann-lee", false),
        ("admin namespace add ann-lee ann-test", true),
        ("admin limits set ann-lee", false),
        ("admin limits set ann-lee --fires-per-minute 5 --allowed-kinds a,b", true),
        ("admin limits set ann-lee --fires-per-minute -5", false),
        ("admin user list --admin-host http://h:1 --token f", true),
        ("admin user list --admin-host http://h:1", false),
        ("admin user list --data d --admin-host http://h:1 --token f", false),
        ("", false),
        ("trigger list", false),
    ] {
        let words =
            std::iter::once("quirl").chain(words.split(' ').filter(|word| !word.is_empty()));
        let read = Args::try_parse_from(words.clone());
        assert_eq!(read.is_ok(), taken, "{:?}", words.collect::<Vec<_>>());
    }
}

#[test]
fn flags_of_the_server_are_passed_on_as_they_are() {
    let words = "quirl up --listen 127.0.0.1:0 -d --data x --insecure-http --failpoint a=b -d";
    let args = Args::try_parse_from(words.split(' ')).unwrap();
    let Noun::Up(up) = args.noun else { panic!("{:?}", args.noun) };
    assert!(up.detach);
    let expected = "--data x --listen 127.0.0.1:0 --insecure-http --failpoint a=b -d";
    assert_eq!(up.passed_on().join(std::ffi::OsStr::new(" ")), expected);
}
