//! One sample of each kind of record, with every field set to something of its own.

use std::sync::Arc;

use bytes::Bytes;
use ledger::record::*;
use model::id::{ActivationId, Digest, Epoch, Incarnation, InvokerId, NodeId, Offset, Shard};
use model::json::Json;
use model::limits::ActionLimits;
use model::name::Namespace;
use model::outcome::{Class, Fault, Reason};
use model::time::{Millis, WallTime};

/// A name for the golden file, and the record.
pub fn all() -> Vec<(&'static str, Record)> {
    let bodies = vec![
        (
            "claim",
            Body::Claim(Claim {
                epoch: Epoch(3),
                node: NodeId(0x1234_5678),
                base: Offset(300),
                fold_version: 1,
            }),
        ),
        ("beat", Body::Beat(stamp())),
        ("yield", Body::Yield(Yield { stamp: stamp(), to: NodeId(8) })),
        ("write", Body::Write(write())),
        ("accept-invoke", Body::Accept(Box::new(invoke()))),
        ("accept-fire", Body::Accept(Box::new(fire()))),
        (
            "accept-source",
            Body::Accept(Box::new(Accept {
                payload: Payload::Blob { digest: digest(7), length: 40_000 },
                fire: Some(FireKey::Source {
                    feed: key("n/guest/feed"),
                    generation: 2,
                    partition: 3,
                    offset: 1_000_000,
                    skip_gap: true,
                }),
                cause: Cause::Source,
                ..invoke()
            })),
        ),
        ("assign", Body::Assign(Assign { stamp: stamp(), id: id(1), attempt: 2, place: place() })),
        ("touched", Body::Touched(attempt())),
        (
            "return",
            Body::Return(Return {
                of: attempt(),
                started: Started::Maybe,
                why: ReturnReason::Recovered,
            }),
        ),
        ("attempt_lost", Body::AttemptLost(AttemptLost { stamp: stamp(), id: id(1), attempt: 2 })),
        ("finish", Body::Finish(Box::new(finish()))),
        (
            "finish-platform",
            Body::Finish(Box::new(Finish {
                class: Class::DeveloperError,
                result: None,
                size: None,
                init_us: None,
                started_from: None,
                logs: Logs::Blob { digest: digest(9), length: 70_000 },
                ..finish()
            })),
        ),
        ("expire", expire(Reason::QueueTimeout(60_000))),
        ("expire-internal", expire(Reason::Internal(Fault::DiskFull))),
        ("expire-refused", expire(Reason::Refused("no".to_owned()))),
        (
            "purge",
            Body::Purge(Purge {
                stamp: stamp(),
                windows: vec![PurgeWindow {
                    class: KeyClass::Gateway,
                    window: Millis(120_000),
                    before: Offset(250),
                    floor: Offset(299),
                }],
                dead: vec![(key("n/guest/t"), 4)],
            }),
        ),
        (
            "archived",
            Body::Archived(Archived {
                stamp: stamp(),
                first: Offset(1),
                last: Offset(200),
                blob: digest(4),
            }),
        ),
    ];
    let at = WallTime(1_704_067_200_123);
    bodies.into_iter().map(|(name, body)| (name, Record { at, body })).collect()
}

fn stamp() -> Stamp {
    Stamp { epoch: Epoch(3), node: NodeId(0x1234_5678), seq: 129 }
}

fn key(text: &str) -> EntityKey {
    EntityKey(text.into())
}

fn digest(byte: u8) -> Digest {
    Digest([byte; 32])
}

fn id(byte: u8) -> ActivationId {
    ActivationId::new(Shard::new(0xabc), [byte; 16])
}

fn place() -> Place {
    let incarnation = Incarnation { counter: 5, random: 0xdead_beef };
    Place { invoker: InvokerId(7), incarnation, guarded: true }
}

fn attempt() -> Attempt {
    Attempt { id: id(1), attempt: 2, invoker: place().invoker, incarnation: place().incarnation }
}

fn write() -> Write {
    let mark = |key_of: &str, mark| Expect { key: key(key_of), mark };
    Write {
        stamp: stamp(),
        ops: vec![
            Op::Put {
                key: key("n/guest/hello"),
                document: Document::Inline(Bytes::from_static(b"document")),
                blobs: vec![digest(1)],
            },
            Op::Put {
                key: key("n/guest/large"),
                document: Document::Blob { digest: digest(2), length: 5_000 },
                blobs: Vec::new(),
            },
            Op::Delete(key("n/guest/old")),
            Op::Touch(key("n/guest/p")),
        ],
        expect: vec![
            mark("n/guest/hello", Mark::Absent),
            mark("n/guest/p", Mark::Born(Offset(3))),
            mark("n/guest/large", Mark::Revision(Offset(128))),
            mark("n/guest/old", Mark::Contents(Offset(9))),
        ],
        by: "tid_1".to_owned(),
    }
}

fn step(name: &str) -> Step {
    Step {
        action: Pin { key: key(&format!("n/guest/{name}")), revision: Offset(128) },
        born: Offset(100),
        beneath: vec![Pin { key: key("n/guest/p"), revision: Offset(90) }],
        path: format!("guest/p/{name}"),
        binding: Some("guest/b".to_owned()),
        version: "0.0.3".to_owned(),
        kind: "wasm:command".to_owned(),
        limits: ActionLimits { instances: Some(3), ..ActionLimits::default() },
        retry: Some(4),
        guarded: true,
    }
}

fn birth(byte: u8, target: Target) -> Birth {
    Birth { id: id(byte), target, queue: Millis(60_000), assign: Some(place()) }
}

fn sequence() -> Target {
    Target::Sequence(Arc::new(Sequence {
        step: step("seq"),
        steps: vec![Target::Action(Arc::new(step("a"))), Target::Action(Arc::new(step("b")))],
        deadline: Some(Millis(300_000)),
    }))
}

fn invoke() -> Accept {
    Accept {
        stamp: stamp(),
        by: Arc::new(Caller {
            subject: "me".to_owned(),
            namespace: Namespace::new("guest").unwrap(),
            transaction: "tid_1".to_owned(),
            store: true,
        }),
        cause: Cause::Web,
        received: WallTime(1_704_067_200_100),
        root: Root::Invoke(birth(1, Target::Action(Arc::new(step("hello"))))),
        payload: Payload::Inline(Json::parse(br#"{"name": "Ann"}"#).unwrap()),
        key: Some(KeyUse {
            class: KeyClass::Client,
            window: Millis(3_600_000),
            key: digest(5),
            request: digest(6),
            since: Offset(290),
        }),
        fire: None,
        expect: Vec::new(),
    }
}

fn fire() -> Accept {
    Accept {
        cause: Cause::Schedule,
        root: Root::Fire(Fire {
            id: id(2),
            name: "t".to_owned(),
            version: "0.0.1".to_owned(),
            beneath: Payload::Inline(Json::parse(br#"{"a": "A"}"#).unwrap()),
            rules: vec![
                Ruled {
                    rule: "guest/r".to_owned(),
                    action: "guest/s".to_owned(),
                    came: Came::Started(birth(3, sequence())),
                },
                Ruled {
                    rule: "guest/q".to_owned(),
                    action: "guest/x".to_owned(),
                    came: Came::Refused {
                        class: Class::ApplicationError,
                        text: "no such action".to_owned(),
                    },
                },
            ],
        }),
        key: None,
        fire: Some(FireKey::Schedule {
            trigger: key("n/guest/t"),
            generation: 2,
            time: 1_704_067_200_000,
            max: Some(10),
        }),
        expect: vec![Expect { key: key("n/guest/t"), mark: Mark::Contents(Offset(77)) }],
        ..invoke()
    }
}

fn finish() -> Finish {
    Finish {
        of: attempt(),
        class: Class::Success,
        result: Some(Payload::Inline(Json::parse(b"[1, 2]").unwrap())),
        array: true,
        size: Some(6),
        start: WallTime(1_704_067_200_110),
        end: WallTime(1_704_067_200_120),
        duration_us: 10_250,
        init_us: Some(1_500),
        timeout: false,
        state: StartState::Warmed,
        started_from: Some("image".to_owned()),
        logs: Logs::Inline(vec![LogLine {
            at_ns: 1_704_067_200_115_000_000,
            stream: Stream::Stderr,
            text: "hello".to_owned(),
        }]),
        offer: true,
    }
}

fn expire(reason: Reason) -> Body {
    Body::Expire(Expire { stamp: stamp(), id: id(1), attempt: 2, reason })
}
