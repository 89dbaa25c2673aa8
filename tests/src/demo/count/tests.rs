//! Counting what became of each slice, on made-up records and histories.

use api::activation::Response;
use api::activation::history::State;

use super::super::feed::Kill;
use super::*;

/// When the server was killed.
const KILL: i64 = 1000;

fn event(what: What, at: i64) -> Event {
    // Offsets follow the clock, unless a test is about that.
    Event::new(what, at, at.unsigned_abs(), "controller0")
}

fn life(id: &str, name: &str, cause: Option<&str>, steps: &[String], events: Vec<Event>) -> Life {
    let attempts = events.iter().filter(|event| event.event == What::Assigned).count();
    let record = Record {
        activation_id: id.to_owned(),
        annotations: Vec::new(),
        cause: cause.map(str::to_owned),
        duration: Some(1),
        end: Some(2),
        logs: steps.to_vec(),
        name: name.to_owned(),
        namespace: "guest".to_owned(),
        publish: false,
        response: Response { result: None, size: None, status: "success".into(), success: true },
        start: 1,
        subject: "guest".to_owned(),
        version: "0.0.1".to_owned(),
    };
    let history = History {
        activation_id: id.to_owned(),
        action: format!("guest/{name}"),
        version: "0.0.1".to_owned(),
        state: State::Ended,
        status: Some("success".to_owned()),
        attempts: u32::try_from(attempts).unwrap(),
        children: steps.to_vec(),
        events,
    };
    Life { record, history }
}

/// A sequence with its steps: when it was accepted, and of each step when its attempts were
/// assigned; every step ends one millisecond after its last.
fn sequence(id: &str, pipeline: Pipeline, accepted: i64, assigned: &[&[i64]]) -> Lives {
    let mut lives = Lives::new();
    let names = pipeline.step_names();
    let ids: Vec<String> = names.iter().map(|step| format!("{id}-{step}")).collect();
    for (at, times) in assigned.iter().enumerate() {
        let mut events: Vec<_> = times.iter().map(|at| event(What::Assigned, *at)).collect();
        events.push(event(What::Finished, times.last().unwrap() + 1));
        let step = life(&ids[at], names[at], Some(id), &[], events);
        lives.insert(ids[at].clone(), step);
    }
    let end = assigned.last().unwrap().last().unwrap() + 1;
    let events = vec![event(What::Accepted, accepted), event(What::Finished, end)];
    lives.insert(id.to_owned(), life(id, pipeline.sequence(), None, &ids, events));
    lives
}

fn told(id: &str) -> Told {
    let pipeline = Pipeline::Weather;
    Told {
        pipeline,
        id: id.to_owned(),
        fired: None,
        answer: None,
        sends: 1,
        replayed: false,
        at: 1,
    }
}

/// Three slices of the weather: ended before the kill, cut by it in its second step, accepted after
/// it. And one of quotes that the kill cut between its steps.
fn usual() -> (Fed, Lives) {
    let mut lives = weather("a", 100, &[&[100], &[110], &[120], &[130]]);
    lives.extend(weather("b", 900, &[&[900], &[990, 1200], &[1210], &[1220]]));
    lives.extend(weather("c", 1300, &[&[1300], &[1310], &[1320], &[1330]]));
    lives.extend(sequence("q", Pipeline::Quotes, 950, &[&[950], &[1220], &[1230]]));
    let later = |id| Told { at: 1400, ..told(id) };
    let quotes = Told { pipeline: Pipeline::Quotes, ..later("q") };
    let told = vec![told("a"), later("b"), later("c"), quotes];
    (Fed { kill: Kill { at: KILL }, told }, lives)
}

fn weather(id: &str, accepted: i64, assigned: &[&[i64]]) -> Lives {
    sequence(id, Pipeline::Weather, accepted, assigned)
}

#[test]
fn what_the_kill_did_is_counted() {
    let (mut fed, lives) = usual();
    fed.told[1] = Told { sends: 2, replayed: true, at: 1400, ..told("b") };
    let answer = serde_json::to_vec(&lives["a"].record).unwrap();
    fed.told[0].answer = Some(model::json::Json::parse(&answer).unwrap());
    let counts = Counts::of(&fed, &[], &lives).unwrap();
    counts.judge().unwrap();
    let weather = Count {
        sent: 3,
        accepted_before: 2,
        told_before: 1,
        ended_before: 1,
        cut: 1,
        steps_again: 1,
        steps_late: 2,
        accepted_after: 1,
        sent_again: 1,
        replayed: 1,
        answers: 1,
        records: 15,
        example: "b-clean".to_owned(),
        ..Count::new(Pipeline::Weather)
    };
    let quotes = Count {
        sent: 1,
        accepted_before: 1,
        cut: 1,
        steps_late: 2,
        records: 4,
        example: "q-last-quote".to_owned(),
        ..Count::new(Pipeline::Quotes)
    };
    assert_eq!(counts, Counts { each: vec![weather, quotes], strange: Vec::new() });
    assert_eq!(counts.example(), "b-clean");
    let table = counts.to_string();
    let rows: Vec<Vec<&str>> = table.lines().map(|it| it.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["weather", "quotes"]);
    assert_eq!(rows[1], ["slices", "sent", "3", "1"]);
    assert_eq!(rows.last().unwrap(), &["doubled", "0", "0"]);
}

/// What the judge says after something was changed.
fn judged(change: impl FnOnce(&mut Fed, &mut Lives)) -> String {
    let (mut fed, mut lives) = usual();
    change(&mut fed, &mut lives);
    Counts::of(&fed, &[], &lives).unwrap().judge().unwrap_err().to_string()
}

#[test]
fn what_is_lost_is_told() {
    let gone = judged(|_, lives| drop(lives.remove("c")));
    assert!(gone.starts_with("1 lost; the first one: c: no record"), "{gone}");
    let failed = judged(|_, lives| {
        let response = &mut lives.get_mut("b").unwrap().record.response;
        (response.success, response.status) = (false, "whisk internal error".to_owned());
    });
    assert!(failed.contains("lost; the first one: b: it ended with 'whisk"), "{failed}");
    let of_the_other = judged(|_, lives| drop(lives.remove("q")));
    assert!(of_the_other.starts_with("1 lost; the first one: q: no record"), "{of_the_other}");
}

#[test]
fn a_page_that_was_read_before_its_steps_had_ended_is_read_again() {
    let (fed, lives) = usual();
    let ids: Vec<String> = fed.told.iter().map(|told| told.id.clone()).collect();
    let but = |gone: &str| -> Vec<Record> {
        let kept = lives.values().filter(|life| life.record.activation_id != gone);
        kept.map(|life| life.record.clone()).collect()
    };
    assert_eq!(missing(&but(""), &ids), 0);
    assert_eq!(missing(&but("q-forecast"), &ids), 1);
    assert_eq!(missing(&but("q"), &ids), 1);
}

#[test]
fn what_is_doubled_is_told() {
    let unasked = judged(|_, lives| lives.extend(weather("d", 1, &[&[2], &[3], &[4], &[5]])));
    assert!(unasked.contains("1 doubled; the first one: d: nobody asked"), "{unasked}");
    let shared = judged(|fed, _| fed.told.push(told("a")));
    assert!(shared.contains("a: two requests have it"), "{shared}");
    let ended_twice = judged(|_, lives| {
        let end = event(What::Finished, 1400);
        lives.get_mut("a-parse").unwrap().history.events.push(end);
    });
    assert!(ended_twice.contains("a-parse: it ended 2 times"), "{ended_twice}");
    let a_step_more = judged(|_, lives| {
        let events = vec![event(What::Finished, 1400)];
        let more = life("a-more", "parse", Some("a"), &[], events);
        lives.insert("a-more".to_owned(), more);
    });
    assert!(a_step_more.contains("a: its steps are"), "{a_step_more}");
    let a_step_less = judged(|_, lives| drop(lives.remove("q-forecast")));
    assert!(a_step_less.contains("q: its steps are"), "{a_step_less}");
    let strange = judged(|_, lives| {
        lives.insert("s".to_owned(), life("s", "hello", None, &[], Vec::new()));
    });
    assert!(strange.ends_with("s: nobody asked for this hello"), "{strange}");
}

#[test]
fn an_answer_that_is_not_the_record_is_told() {
    let other = judged(|fed, lives| {
        let answer = serde_json::to_vec(&lives["b"].record).unwrap();
        fed.told[0].answer = Some(model::json::Json::parse(&answer).unwrap());
    });
    assert!(other.starts_with("1 wrong; the first one: a: answered"), "{other}");
}

#[test]
fn an_answer_that_was_true_only_later_is_told() {
    let early = judged(|fed, _| fed.told[2].at = 900);
    assert!(early.contains("c: told before the kill, accepted after it"), "{early}");
}

#[test]
fn a_kill_that_cut_nothing_is_no_proof() {
    let idle = judged(|fed, _| fed.kill.at = 1250);
    assert!(idle.contains("nothing was open"), "{idle}");
}

#[test]
fn a_clock_that_was_set_is_noticed() {
    let (fed, mut lives) = usual();
    lives.get_mut("c").unwrap().history.events[0].offset = 1;
    assert!(Counts::of(&fed, &[], &lives).is_err());
}
