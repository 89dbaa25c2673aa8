//! What is run: samples, a sleeper that gives its arguments back, sequences of them; and wishes
//! whose answers nobody can mix up.

use anyhow::{Context as _, Result};
use api::client::{Client, Name};
use api::entity::{Put, PutExec};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use daemon::random::Random;

use crate::journal::{Expect, How, Wish};
use crate::platform::Programs;

/// So long `drowsy` waits before it gives its arguments back.
const DROWSY_MS: u64 = 250;

/// Sequences with their components; later ones hold earlier ones.
const SEQUENCES: [(&str, &[&str]); 3] = [
    ("pair", &["drowsy", "hello"]),
    ("triple", &["echo", "drowsy", "hello"]),
    ("nested", &["drowsy", "pair", "echo"]),
];

/// Creates all actions.
///
/// # Errors
/// The server does not take one.
pub async fn deploy(client: &Client, programs: &Programs) -> Result<()> {
    for name in ["echo", "hello", "sleep"] {
        put(client, name, code(&programs.sample(name)?)).await?;
    }
    put(client, "drowsy", code(&wat::parse_str(drowsy())?)).await?;
    for (name, components) in SEQUENCES {
        let components = components.iter().map(|name| format!("/_/{name}")).collect();
        let kind = "sequence".to_owned();
        let exec = PutExec { kind, components: Some(components), ..PutExec::default() };
        put(client, name, exec).await?;
    }
    Ok(())
}

fn code(module: &[u8]) -> PutExec {
    let kind = "wasm:command".to_owned();
    PutExec { kind, code: Some(BASE64.encode(module)), ..PutExec::default() }
}

async fn put(client: &Client, name: &str, exec: PutExec) -> Result<()> {
    let put = Put { exec: Some(exec), ..Put::default() };
    let parsed = Name::parse(name, "_")?;
    client.put_action(&parsed, &put, false).await.with_context(|| format!("create {name}"))?;
    Ok(())
}

/// Waits inside the host, then gives its arguments back byte for byte.
fn drowsy() -> String {
    format!(
        r#"(module
  (import "wasi_snapshot_preview1" "fd_read"
    (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    ;; a subscription at 64: tag 0 is a clock, 1 the monotonic one, then nanoseconds
    (i32.store8 (i32.const 72) (i32.const 0))
    (i32.store (i32.const 80) (i32.const 1))
    (i64.store (i32.const 88) (i64.const {nanos}))
    (drop (call $poll (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 512)))
    (loop $again
      (i32.store (i32.const 0) (i32.const 4096))
      (i32.store (i32.const 4) (i32.const 32768))
      (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
      (i32.store (i32.const 4) (i32.load (i32.const 8)))
      (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 12)))
      (br_if $again (i32.load (i32.const 8))))))"#,
        nanos = DROWSY_MS * 1_000_000
    )
}

/// What a lane of a client does most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taste {
    /// Waits for each answer.
    Blocking,
    /// Takes the id and goes on.
    NonBlocking,
    /// Runs sequences.
    Sequences,
}

/// Draws the wishes of one lane.
#[derive(Debug)]
pub struct Wishes {
    taste: Taste,
    random: Random,
    /// Wishes that were granted: they are asked for again, and their keys for something else.
    granted: Vec<Wish>,
}

/// So many granted wishes a lane remembers.
const REMEMBERED: usize = 64;

impl Wishes {
    /// Of a lane.
    #[must_use]
    pub fn new(taste: Taste, random: Random) -> Self {
        Self { taste, random, granted: Vec::new() }
    }

    /// One that was answered as it should be.
    pub fn granted(&mut self, wish: Wish) {
        if self.granted.len() < REMEMBERED {
            self.granted.push(wish);
        } else {
            let at = self.random.below(REMEMBERED as u64);
            self.granted[usize::try_from(at).unwrap_or(0)] = wish;
        }
    }

    /// The next, under a name that no other has.
    pub fn next(&mut self, name: &str) -> Wish {
        let known = self.granted.len() as u64;
        let known = usize::try_from(self.random.below(known.max(1))).unwrap_or(0);
        match (self.random.below(100), self.granted.get(known)) {
            (0..4, Some(before)) => Wish { name: name.to_owned(), ..before.clone() },
            (4..6, Some(before)) => Wish {
                name: name.to_owned(),
                payload: format!("{{\"other\":\"{name}\"}}"),
                expect: Expect::Refusal(422),
                ..before.clone()
            },
            (6, _) => self.refused(name, "nobody", "{}", 404),
            (7, _) => self.refused(name, "echo", "{\"not\":", 400),
            _ => self.fresh(name),
        }
    }

    fn refused(&self, name: &str, action: &str, payload: &str, status: u16) -> Wish {
        Wish {
            name: name.to_owned(),
            key: name.to_owned(),
            action: action.to_owned(),
            how: self.how(),
            payload: payload.to_owned(),
            expect: Expect::Refusal(status),
        }
    }

    fn fresh(&self, name: &str) -> Wish {
        let dice = self.random.below(100);
        let (action, payload, expect) = match self.taste {
            Taste::Sequences => named(["pair", "triple", "nested"][at(dice, 3)], name),
            Taste::Blocking | Taste::NonBlocking => match dice {
                // Three cuts are likely for these.
                0..2 if self.taste == Taste::NonBlocking => sleep(3_500 + self.random.below(2_500)),
                0..30 => sleep(150 + self.random.below(500)),
                30..60 => echo("drowsy", name),
                60..80 => echo("echo", name),
                80..90 => named("hello", name),
                _ => {
                    let error = format!("{{\"error\":\"{name} goes wrong\"}}");
                    ("echo", error.clone(), Expect::Error(error))
                }
            },
        };
        let (name, action) = (name.to_owned(), action.to_owned());
        Wish { key: name.clone(), name, action, how: self.how(), payload, expect }
    }

    fn how(&self) -> How {
        match (self.taste, self.random.below(4)) {
            (Taste::NonBlocking, _) | (Taste::Sequences, 0) => How::Id,
            (Taste::Blocking | Taste::Sequences, 1) => How::Result,
            (Taste::Blocking | Taste::Sequences, _) => How::Record,
        }
    }
}

type Call = (&'static str, String, Expect);

fn at(dice: u64, of: u64) -> usize {
    usize::try_from(dice % of).unwrap_or(0)
}

fn sleep(ms: u64) -> Call {
    ("sleep", format!("{{\"ms\":{ms}}}"), Expect::Success(format!("{{\"slept_ms\":{ms}}}")))
}

fn echo(action: &'static str, name: &str) -> Call {
    let payload = format!("{{\"wish\":\"{name}\"}}");
    (action, payload.clone(), Expect::Success(payload))
}

fn named(action: &'static str, name: &str) -> Call {
    let greeting = format!("{{\"greeting\":\"Hello, {name}!\"}}");
    (action, format!("{{\"name\":\"{name}\"}}"), Expect::Success(greeting))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_sleeper_is_a_module() {
        assert!(wat::parse_str(drowsy()).is_ok());
    }

    #[test]
    fn wishes_are_of_every_kind_and_repeat_from_a_seed() {
        let mut all = Vec::new();
        for taste in [Taste::Blocking, Taste::NonBlocking, Taste::Sequences] {
            let mut drawn = [(); 2].map(|()| {
                let mut wishes = Wishes::new(taste, Random::seeded(3));
                (0..500)
                    .map(|at| {
                        let wish = wishes.next(&format!("c0-{at}"));
                        if !matches!(wish.expect, Expect::Refusal(_)) {
                            wishes.granted(wish.clone());
                        }
                        wish
                    })
                    .collect::<Vec<_>>()
            });
            assert_eq!(drawn[0], drawn[1]);
            all.append(&mut drawn[0]);
        }
        let actions: BTreeSet<&str> = all.iter().map(|wish| wish.action.as_str()).collect();
        let expected = ["drowsy", "echo", "hello", "nested", "nobody", "pair", "sleep", "triple"];
        assert_eq!(actions, BTreeSet::from(expected));
        let refusals: BTreeSet<u16> = all
            .iter()
            .filter_map(|wish| match wish.expect {
                Expect::Refusal(status) => Some(status),
                Expect::Success(_) | Expect::Error(_) => None,
            })
            .collect();
        assert_eq!(refusals, BTreeSet::from([400, 404, 422]));
        assert!(all.iter().any(|wish| wish.key != wish.name));
    }
}
