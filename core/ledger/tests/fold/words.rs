//! Records and verdicts in words, so that tests are tables.
//!
//! `@e2`, `@n3`, `@s4`, `@o9` before a record override epoch, node, sequence number and offset of
//! what the current owner would sign; names are of entities in the namespace `guest`, letters of
//! activations, `a.0` the first step of `a`.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use ledger::fold::{Change, EndResult, Happened, Ledger, Void};
use ledger::record::*;
use model::id::{ActivationId, Digest, Epoch, Incarnation, InvokerId, NodeId, Offset, Shard};
use model::json::Json;
use model::limits::ActionLimits;
use model::name::Namespace;
use model::outcome::{Class, Fault, Reason};
use model::time::{Millis, WallTime};

/// A ledger with an owner, and how its records are written in words.
pub struct Words {
    pub ledger: Ledger,
    pub at: u64,
    pub log: Vec<(Offset, Record)>,
    names: BTreeMap<ActivationId, String>,
    marks: BTreeMap<String, (Offset, Offset)>,
}

/// Applies each record to a new ledger, which node 1 owns, and compares the verdicts.
#[track_caller]
pub fn check_fold<'a>(table: impl IntoIterator<Item = (&'a str, &'a str)>) -> Words {
    check_on(Words::owned(), table)
}

#[track_caller]
pub fn check_on<'a>(
    mut words: Words,
    table: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Words {
    for (record, verdict) in table {
        let before = words.ledger.hash();
        let said = words.say(record);
        assert_eq!(said, verdict, "after `{record}` at {}", words.at);
        let owners = words.log.last().is_some_and(|(_, it)| it.body.stamp().is_some());
        if said.starts_with("void") && !owners {
            assert_eq!(words.ledger.hash(), before, "`{record}` is void and changed something");
        }
        let again = Ledger::from_snapshot(&words.ledger.snapshot()).expect("restores");
        assert_eq!(again.hash(), words.ledger.hash(), "after `{record}`");
    }
    words
}

impl Words {
    pub fn fresh() -> Self {
        Self::with(Ledger::default())
    }

    pub fn with(ledger: Ledger) -> Self {
        Self { ledger, at: 0, log: Vec::new(), names: BTreeMap::new(), marks: BTreeMap::new() }
    }

    pub fn owned() -> Self {
        let mut words = Self::fresh();
        assert_eq!(words.say("claim 1 by n1"), "claimed 1 by 1");
        for name in ["h", "g", "s", "t", "u"] {
            words.say(&format!("put {name}"));
        }
        words
    }

    pub fn say(&mut self, text: &str) -> String {
        let body = self.body(text);
        let record = Record { at: WallTime(1000 * self.at as i64), body };
        let bytes = record.encode();
        assert_eq!(Record::decode(&bytes), Ok(record.clone()), "{text}");
        let offset = Offset(self.at);
        let verdict = self.ledger.apply(offset, &record);
        self.log.push((offset, record));
        for key in ["h", "g", "s", "t", "u", "p", "p/x"] {
            if let Some(entity) = self.ledger.entity(&key_of(key)) {
                self.marks.insert(key.to_owned(), (entity.born, entity.revision));
            }
        }
        match verdict {
            Ok(change) => self.tell(&change),
            Err(Void::IdKnown(id)) => format!("void: id {} is known", self.name(id)),
            Err(Void::KeyUsed { first, same_request }) => {
                let same = if same_request { "the same request" } else { "another request" };
                format!("void: key used by {}, {same}", self.name(first))
            }
            Err(void) => format!("void: {void}"),
        }
    }

    pub fn id(&self, name: &str) -> ActivationId {
        let known = self.names.iter().find(|(_, known)| *known == name);
        known.map_or_else(|| id_of(name), |(id, _)| *id)
    }

    fn name(&mut self, id: ActivationId) -> String {
        if let Some(name) = self.names.get(&id) {
            return name.clone();
        }
        let name = match self.ledger.open(&id).and_then(|open| open.enclosing) {
            Some(link) => format!("{}.{}", self.name(link.id), link.position),
            None => char::from(id.as_bytes()[15]).to_string(),
        };
        self.names.insert(id, name.clone());
        name
    }

    fn tell(&mut self, change: &Change) -> String {
        // Steps are named by their sequence while that is still open: births first.
        let mut told = Vec::new();
        for happened in &change.happened {
            told.push(match happened {
                Happened::Claimed { epoch, node } => format!("claimed {} by {}", epoch.0, node.0),
                Happened::Yielded { to } => format!("yielded to {}", to.0),
                Happened::Wrote(keys) => {
                    let names: Vec<_> = keys.iter().map(|key| &key.as_str()[8..]).collect();
                    format!("wrote {}", names.join(" "))
                }
                Happened::Accepted { .. } => continue,
                Happened::Born { id, parent } => {
                    format!("{} {}", if *parent { "began" } else { "born" }, self.name(*id))
                }
                Happened::Assigned(it) => {
                    let how = if it.offered { "offered" } else { "assigned" };
                    format!("{how} {}", self.attempt(&it.of))
                }
                Happened::Touched { of, first } => {
                    format!("touched {}{}", self.attempt(of), if *first { "" } else { " again" })
                }
                Happened::Returned { of, returns, .. } => {
                    format!("returned {} ({returns})", self.attempt(of))
                }
                Happened::AttemptLost { of } => format!("lost {}", self.attempt(of)),
                Happened::Ended(it) => {
                    let how = match &it.result {
                        EndResult::Finish => it.row.class.status().to_owned(),
                        EndResult::Platform { class, text } => format!("{class} `{text}`"),
                        EndResult::Fire => "fired".to_owned(),
                    };
                    format!("ended {}: {how}", self.name(it.row.id))
                }
                Happened::Purged { keys, marks } => format!("purged {keys} keys, {marks} marks"),
                Happened::Archived { last } => format!("archived to {last}"),
            });
        }
        if told.is_empty() { "heard".to_owned() } else { told.join(", ") }
    }

    fn attempt(&mut self, of: &Attempt) -> String {
        format!("{}/{}", self.name(of.id), of.attempt)
    }

    /// Reads `a/1 by i7` in words 0 and 2.
    fn attempt_of(&self, words: &[&str]) -> Attempt {
        let (id, attempt) = words[0].split_once('/').expect("id/attempt");
        let place = place_of(words[2]);
        Attempt {
            id: self.id(id),
            attempt: attempt.parse().expect("a number"),
            invoker: place.invoker,
            incarnation: place.incarnation,
        }
    }

    fn body(&mut self, text: &str) -> Body {
        self.at += 1;
        let owner = self.ledger.owner().clone();
        let mut stamp = Stamp {
            epoch: owner.epoch,
            node: owner.node.unwrap_or(NodeId(1)),
            seq: owner.last_seq + 1,
        };
        let mut words: Vec<&str> = text.split_whitespace().collect();
        while let Some(over) = words.first().and_then(|word| word.strip_prefix('@')) {
            let number = over[1..].parse().expect("a number");
            match &over[..1] {
                "e" => stamp.epoch = Epoch(number),
                "n" => stamp.node = NodeId(number),
                "s" => stamp.seq = number,
                "o" => self.at = number,
                other => panic!("no such override: {other}"),
            }
            words.remove(0);
        }
        let (kind, rest) = words.split_first().expect("a record");
        self.body_of(kind, rest, stamp)
    }

    fn body_of(&mut self, kind: &str, words: &[&str], stamp: Stamp) -> Body {
        match kind {
            "claim" => Body::Claim(Claim {
                epoch: Epoch(words[0].parse().expect("epoch")),
                node: NodeId(words[2][1..].parse().expect("node")),
                base: Offset(after(words, "base").map_or(self.at - 1, number)),
                fold_version: after(words, "version").map_or(1, number) as u16,
            }),
            "beat" => Body::Beat(stamp),
            "yield" => Body::Yield(Yield { stamp, to: NodeId(number(&words[1][1..])) }),
            "put" | "delete" | "touch" => self.write(kind, words, stamp),
            "accept" => self.accept(words, stamp),
            "fire" => self.fire(words, stamp),
            "assign" => {
                let of = self.attempt_of(words);
                let place = place_of(words[2]);
                Body::Assign(Assign { stamp, id: of.id, attempt: of.attempt, place })
            }
            "touched" => Body::Touched(self.attempt_of(words)),
            "return" => Body::Return(Return {
                of: self.attempt_of(&words[1..]),
                started: if words[0] == "no" { Started::No } else { Started::Maybe },
                why: match words.get(4) {
                    Some(&"no_slot") => ReturnReason::NoSlot,
                    _ => ReturnReason::Stopping,
                },
            }),
            "lost" => {
                let (id, attempt) = words[0].split_once('/').expect("id/attempt");
                Body::AttemptLost(AttemptLost {
                    stamp,
                    id: self.id(id),
                    attempt: number(attempt) as u32,
                })
            }
            "finish" => Body::Finish(Box::new(self.finish(words))),
            "expire" => {
                let (id, attempt) = words[0].split_once('/').expect("id/attempt");
                let reason = reason_of(words[1]);
                Body::Expire(Expire {
                    stamp,
                    id: self.id(id),
                    attempt: number(attempt) as u32,
                    reason,
                })
            }
            "purge" => Body::Purge(Purge {
                stamp,
                windows: vec![PurgeWindow {
                    class: KeyClass::Client,
                    window: Millis(60),
                    before: Offset(after(words, "before").map_or(0, number)),
                    floor: Offset(after(words, "floor").map_or(0, number)),
                }],
                dead: after(words, "dead")
                    .map(|name| (key_of(name), after(words, "generation").map_or(1, number)))
                    .into_iter()
                    .collect(),
            }),
            "archived" => Body::Archived(Archived {
                stamp,
                first: Offset(number(words[0])),
                last: Offset(number(words[2])),
                blob: Digest([1; 32]),
            }),
            other => panic!("no such record: {other}"),
        }
    }

    fn write(&self, kind: &str, words: &[&str], stamp: Stamp) -> Body {
        let split = words.iter().position(|word| *word == "if").unwrap_or(words.len());
        let ops = words[..split]
            .iter()
            .map(|name| match kind {
                "put" => Op::Put {
                    key: key_of(name),
                    document: Document::Inline(Bytes::from(format!("{name} at {}", self.at))),
                    blobs: vec![Digest([self.at as u8; 32])],
                },
                "delete" => Op::Delete(key_of(name)),
                _ => Op::Touch(key_of(name)),
            })
            .collect();
        let expect = words[split..]
            .split(|word| *word == "if")
            .filter(|words| !words.is_empty())
            .map(|words| Expect {
                key: key_of(words[0]),
                mark: match words[1] {
                    "absent" => Mark::Absent,
                    "born" => Mark::Born(Offset(number(words[2]))),
                    "revision" => Mark::Revision(Offset(number(words[2]))),
                    _ => Mark::Contents(Offset(number(words[2]))),
                },
            })
            .collect();
        Body::Write(Write { stamp, ops, expect, by: "tid".to_owned() })
    }

    fn accept(&self, words: &[&str], stamp: Stamp) -> Body {
        let birth = self.birth(words);
        let key = after(words, "key").map(|key| KeyUse {
            class: KeyClass::Client,
            window: Millis(60),
            key: Digest([key.as_bytes()[0]; 32]),
            request: Digest([after(words, "request").map_or(1, number) as u8; 32]),
            since: Offset(after(words, "since").map_or(self.at - 1, number)),
        });
        let generation = after(words, "generation").map_or(1, number);
        let fire = after(words, "time")
            .map(|time| FireKey::Schedule {
                trigger: key_of("t"),
                generation,
                time: number(time) as i64,
                max: after(words, "max").map(number),
            })
            .or_else(|| {
                after(words, "message").map(|offset| FireKey::Source {
                    feed: key_of("t"),
                    generation,
                    partition: 3,
                    offset: number(offset),
                    skip_gap: words.contains(&"skipping"),
                })
            });
        let expect = after(words, "expecting")
            .map(|contents| Expect {
                key: key_of("t"),
                mark: Mark::Contents(Offset(number(contents))),
            })
            .into_iter()
            .collect();
        Body::Accept(Box::new(Accept {
            stamp,
            by: caller(),
            cause: Cause::Invoke,
            received: WallTime(1000 * self.at as i64 - 7),
            root: Root::Invoke(birth),
            payload: Payload::Inline(Json::empty_object()),
            key,
            fire,
            expect,
        }))
    }

    /// `fire f: a runs h at i7, b runs g`
    fn fire(&self, words: &[&str], stamp: Stamp) -> Body {
        let rest = words[1..].join(" ");
        let rules = rest
            .split(", ")
            .map(|rule| Ruled {
                rule: "guest/r".to_owned(),
                action: "guest/a".to_owned(),
                came: Came::Started(self.birth(&rule.split_whitespace().collect::<Vec<_>>())),
            })
            .collect();
        Body::Accept(Box::new(Accept {
            stamp,
            by: caller(),
            cause: Cause::Invoke,
            received: WallTime(0),
            root: Root::Fire(Fire {
                id: self.id(words[0].trim_end_matches(':')),
                name: "t".to_owned(),
                version: "0.0.1".to_owned(),
                beneath: Payload::Inline(Json::empty_object()),
                rules,
            }),
            payload: Payload::Inline(Json::empty_object()),
            key: None,
            fire: None,
            expect: Vec::new(),
        }))
    }

    /// `a runs h [retry 2] [guarded] [at i7]`; a sequence is `s(h,g)`.
    fn birth(&self, words: &[&str]) -> Birth {
        let shape = Shape {
            retry: after(words, "retry").map(|n| number(n) as u8),
            guarded: words.contains(&"guarded"),
            deadline: after(words, "deadline").map(|ms| Millis(number(ms))),
        };
        let mut text = words[2];
        let target = self.target(&mut text, &shape);
        assert!(text.is_empty(), "{text}");
        Birth {
            id: self.id(words[0]),
            target,
            queue: Millis(60_000),
            assign: after(words, "at").map(place_of),
        }
    }

    fn target(&self, text: &mut &str, shape: &Shape) -> Target {
        let end = text.find(['(', ')', ',']).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        *text = rest;
        let mut step = self.step(name, shape);
        let Some(rest) = text.strip_prefix('(') else { return Target::Action(Arc::new(step)) };
        *text = rest;
        let mut steps = Vec::new();
        while !text.starts_with(')') {
            steps.push(self.target(text, shape));
            *text = text.strip_prefix(',').unwrap_or(text);
        }
        *text = &text[1..];
        step.kind = "sequence".to_owned();
        Target::Sequence(Arc::new(Sequence { step, steps, deadline: shape.deadline }))
    }

    /// `h`, `h@3` at revision 3, `h*` with another kind, `h+` with more memory.
    fn step(&self, name: &str, shape: &Shape) -> Step {
        let (name, revision) = match name.split_once('@') {
            Some((name, revision)) => (name, Some(Offset(number(revision)))),
            None => (name, None),
        };
        let plain = name.trim_end_matches(['*', '+']);
        let (born, current) = self.marks.get(plain).copied().unwrap_or_default();
        let memory = if name.ends_with('+') { 512 } else { 256 };
        Step {
            action: Pin { key: key_of(plain), revision: revision.unwrap_or(current) },
            born,
            beneath: Vec::new(),
            path: format!("guest/{plain}"),
            binding: None,
            version: "0.0.1".to_owned(),
            kind: if name.ends_with('*') { "python:3" } else { "nodejs:20" }.to_owned(),
            limits: ActionLimits { memory, ..ActionLimits::default() },
            retry: shape.retry,
            guarded: shape.guarded,
        }
    }

    fn finish(&self, words: &[&str]) -> Finish {
        let class = match words.get(3) {
            Some(&"app") => Class::ApplicationError,
            Some(&"dev") => Class::DeveloperError,
            _ => Class::Success,
        };
        Finish {
            of: self.attempt_of(words),
            class,
            result: Some(Payload::Inline(Json::empty_object())),
            array: false,
            size: Some(2),
            start: WallTime(1000 * self.at as i64 - 40),
            end: WallTime(1000 * self.at as i64 - 10),
            duration_us: 30_000,
            init_us: Some(5_000),
            timeout: false,
            state: StartState::Cold,
            started_from: None,
            logs: Logs::Inline(Vec::new()),
            offer: words.contains(&"offer"),
        }
    }
}

struct Shape {
    retry: Option<u8>,
    guarded: bool,
    deadline: Option<Millis>,
}

fn reason_of(word: &str) -> Reason {
    match word {
        "lost" => Reason::Lost,
        "timeout" => Reason::Timeout(9),
        "queue_timeout" => Reason::QueueTimeout(9),
        "no_capacity" => Reason::NoCapacity,
        "missing" => Reason::Missing,
        "cancelled" => Reason::Cancelled,
        "internal" => Reason::Internal(Fault::DiskFull),
        "refused" => Reason::Refused("no more".to_owned()),
        other => panic!("no such reason: {other}"),
    }
}

pub fn caller() -> Arc<Caller> {
    Arc::new(Caller {
        subject: "guest".to_owned(),
        namespace: guest(),
        transaction: "tid".to_owned(),
        store: true,
    })
}

pub fn guest() -> Namespace {
    Namespace::new("guest").expect("a name")
}

pub fn key_of(name: &str) -> EntityKey {
    EntityKey(format!("n/guest/{name}").into())
}

fn id_of(name: &str) -> ActivationId {
    assert_eq!(name.len(), 1, "`{name}` is no known activation");
    let mut bytes = [0; 16];
    bytes[15] = name.as_bytes()[0];
    ActivationId::new(Shard::new(5), bytes)
}

/// `i7`, `i7!` guarded, `i7'` in its next life.
fn place_of(word: &str) -> Place {
    let digits = word[1..].trim_end_matches(['!', '\'']);
    let counter = if word.contains('\'') { 2 } else { 1 };
    Place {
        invoker: InvokerId(number(digits) as u32),
        incarnation: Incarnation { counter, random: 9 },
        guarded: word.contains('!'),
    }
}

fn after<'a>(words: &[&'a str], word: &str) -> Option<&'a str> {
    words.iter().position(|it| *it == word).map(|at| words[at + 1])
}

fn number(word: &str) -> u64 {
    word.parse().unwrap_or_else(|_| panic!("`{word}` is no number"))
}
