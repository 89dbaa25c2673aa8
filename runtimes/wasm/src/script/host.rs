//! What the engine imports from module `quirl`: texts that it looks up, its log, its answer, digests,
//! and the outside ([`super::requests`]).
//!
//! The other side: `runtimes/javascript/shim/shim.c`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use invoker::driver::Stream;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha224, Sha256, Sha384, Sha512};
use wasmtime::{Caller, Linker};

use super::code::Code;
use super::requests::Requests;
use crate::host::{State, with_memory};

const MODULE: &str = "quirl";

// What is looked up: constants of `core.js`.
const INPUT: i32 = 1;
const CODE: i32 = 2;
const FILE: i32 = 3;
const MAIN: i32 = 4;
const FILES: i32 = 5;
const ENVIRONMENT: i32 = 6;
const ANSWER: i32 = 7;
const BODY: i32 = 8;
const LIMIT: i32 = 9;

/// How a script ended: kinds of `host.answer` in `core.js`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `main` settled; the text is the JSON of its result.
    Result,
    /// It failed; the text is a JSON string.
    Error,
    /// Its code could not be evaluated; the text says why.
    InitError,
    /// It ended its process.
    Exited,
    /// Nothing is pending that could settle what `main` returned.
    NeverSettled,
    OutOfMemory,
}

/// What a script answered.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) kind: Kind,
    /// As far as it was kept.
    pub(crate) text: Vec<u8>,
    /// Its whole length.
    pub(crate) length: u64,
}

/// All that belongs to the script of an instance.
pub(crate) struct Guest {
    pub(super) code: Option<Arc<Code>>,
    pub(super) main: String,
    pub(super) input: Bytes,
    /// Longer answers are cut.
    pub(super) max_answer: u64,
    pub(super) answered: Option<Answered>,
    /// Evaluating it has left something to wait for.
    pub(super) is_pending: bool,
    /// What was looked up last.
    found: Bytes,
    hash: Option<Hash>,
    pub(super) requests: Requests,
}

impl Guest {
    pub(super) fn new(
        code: Option<Arc<Code>>,
        main: String,
        input: Bytes,
        max_answer: u64,
        requests: Requests,
    ) -> Self {
        Self {
            code,
            main,
            input,
            max_answer,
            answered: None,
            is_pending: false,
            found: Bytes::new(),
            hash: None,
            requests,
        }
    }

    fn look_up(&self, what: i32, name: &str) -> Option<Bytes> {
        let code = self.code.as_deref();
        match what {
            INPUT => Some(self.input.clone()),
            CODE => match code {
                Some(Code::Plain(text)) => Some(text.clone()),
                _ => None,
            },
            FILE => code?.file(name).cloned(),
            MAIN => Some(Bytes::copy_from_slice(self.main.as_bytes())),
            FILES => Some(code.map(Code::paths).unwrap_or_default().into()),
            ANSWER => Some(self.requests.head()),
            BODY => self.requests.body(),
            _ => None,
        }
    }

    fn answer(&mut self, kind: i32, text: &[u8]) {
        let kind = match kind {
            0 => Kind::Result,
            1 => Kind::Error,
            2 => Kind::InitError,
            3 => Kind::Exited,
            4 => Kind::NeverSettled,
            5 => Kind::OutOfMemory,
            6 => {
                self.is_pending = true;
                return;
            }
            _ => return,
        };
        if self.answered.is_some() {
            return;
        }
        let kept = usize::try_from(self.max_answer).unwrap_or(usize::MAX).min(text.len());
        let text_kept = text[..kept].to_vec();
        self.answered = Some(Answered { kind, text: text_kept, length: text.len() as u64 });
    }
}

/// A digest in the making.
enum Hash {
    Md5(Md5),
    Sha1(Sha1),
    Sha224(Sha224),
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

impl Hash {
    /// By the number that the shim gives it.
    fn new(algorithm: i32) -> Option<Self> {
        Some(match algorithm {
            0 => Self::Md5(Md5::new()),
            1 => Self::Sha1(Sha1::new()),
            2 => Self::Sha224(Sha224::new()),
            3 => Self::Sha256(Sha256::new()),
            4 => Self::Sha384(Sha384::new()),
            5 => Self::Sha512(Sha512::new()),
            _ => return None,
        })
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Md5(hash) => hash.update(bytes),
            Self::Sha1(hash) => hash.update(bytes),
            Self::Sha224(hash) => hash.update(bytes),
            Self::Sha256(hash) => hash.update(bytes),
            Self::Sha384(hash) => hash.update(bytes),
            Self::Sha512(hash) => hash.update(bytes),
        }
    }

    fn finish(self) -> Vec<u8> {
        match self {
            Self::Md5(hash) => hash.finalize().to_vec(),
            Self::Sha1(hash) => hash.finalize().to_vec(),
            Self::Sha224(hash) => hash.finalize().to_vec(),
            Self::Sha256(hash) => hash.finalize().to_vec(),
            Self::Sha384(hash) => hash.finalize().to_vec(),
            Self::Sha512(hash) => hash.finalize().to_vec(),
        }
    }
}

type Script<'a> = Caller<'a, State>;

/// Why a call of the engine's is not what our own engine makes: it ends the script.
fn broken(what: &str) -> wasmtime::Error {
    wasmtime::Error::msg(format!("the engine passed a bad {what}"))
}

/// The bytes that the engine points to, and the script.
fn reading<R>(
    script: &mut Script<'_>,
    (at, length): (i32, i32),
    then: impl FnOnce(&mut State, &mut Guest, &[u8]) -> R,
) -> wasmtime::Result<R> {
    let mut result = None;
    let called = with_memory(script, |state, memory| {
        let bytes = memory.bytes(at, length.cast_unsigned() as usize)?;
        if let Some(mut guest) = state.script.take() {
            result = Some(then(state, &mut guest, bytes));
            state.script = Some(guest);
        }
        Ok(())
    });
    result.filter(|_| called.is_ok()).ok_or_else(|| broken("pointer"))
}

fn writing(script: &mut Script<'_>, at: i32, bytes: &[u8]) -> wasmtime::Result<()> {
    with_memory(script, |_, memory| memory.write(at, bytes)).map_err(|_| broken("pointer"))
}

fn guest<'a>(script: &'a mut Script<'_>) -> wasmtime::Result<&'a mut Guest> {
    script.data_mut().script.as_deref_mut().ok_or_else(|| broken("state"))
}

/// Adds the functions of module `quirl`.
pub(crate) fn offer(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    texts(linker)?;
    digests(linker)?;
    outside(linker)?;
    Ok(())
}

fn texts(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "open",
        |mut script: Script<'_>, what: i32, at: i32, length: i32| -> wasmtime::Result<i32> {
            reading(&mut script, (at, length), |state, guest, name| {
                // Neither may come to be in an image.
                state.has_looked_out |= what == INPUT || what == LIMIT;
                let found = match what {
                    ENVIRONMENT => Some(state.environment_json()),
                    LIMIT => state.limiter.hit_limit.then(Bytes::new),
                    _ => guest.look_up(what, &String::from_utf8_lossy(name)),
                };
                guest.found = found.clone().unwrap_or_default();
                found.map_or(-1, |found| i32::try_from(found.len()).unwrap_or(-1))
            })
        },
    )?;
    linker.func_wrap(MODULE, "read", |mut script: Script<'_>, into: i32| {
        let found = std::mem::take(&mut guest(&mut script)?.found);
        writing(&mut script, into, &found)
    })?;
    linker.func_wrap(
        MODULE,
        "log",
        |mut script: Script<'_>, stream: i32, at: i32, length: i32| -> wasmtime::Result<()> {
            let stream = if stream == 1 { Stream::Stdout } else { Stream::Stderr };
            reading(&mut script, (at, length), |state, _, text| state.log(stream, text))??;
            Ok(())
        },
    )?;
    linker.func_wrap(
        MODULE,
        "answer",
        |mut script: Script<'_>, kind: i32, at: i32, length: i32| {
            reading(&mut script, (at, length), |_, guest, text| guest.answer(kind, text))
        },
    )?;
    linker.func_wrap(MODULE, "seed", |script: Script<'_>| -> i64 {
        let mut seed = [0; 8];
        script.data().fill_random(&mut seed);
        i64::from_le_bytes(seed)
    })?;
    Ok(())
}

fn digests(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "hash_begin",
        |mut script: Script<'_>, algorithm: i32| -> wasmtime::Result<i32> {
            let hash = Hash::new(algorithm).ok_or_else(|| broken("algorithm"))?;
            guest(&mut script)?.hash = Some(hash);
            Ok(0)
        },
    )?;
    linker.func_wrap(MODULE, "hash_update", |mut script: Script<'_>, at: i32, length: i32| {
        reading(&mut script, (at, length), |_, guest, bytes| {
            if let Some(hash) = &mut guest.hash {
                hash.update(bytes);
            }
        })
    })?;
    linker.func_wrap(
        MODULE,
        "hash_end",
        |mut script: Script<'_>, into: i32| -> wasmtime::Result<i32> {
            let hash = guest(&mut script)?.hash.take().ok_or_else(|| broken("digest"))?;
            let digest = hash.finish();
            writing(&mut script, into, &digest)?;
            Ok(i32::try_from(digest.len())?)
        },
    )?;
    Ok(())
}

fn outside(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "send",
        |mut script: Script<'_>, head: i32, head_length: i32, body: i32, body_length: i32| {
            script.data_mut().has_looked_out = true;
            let mut number = None;
            with_memory(&mut script, |state, memory| {
                let head = memory.bytes(head, head_length.cast_unsigned() as usize)?;
                let body = memory.bytes(body, body_length.cast_unsigned() as usize)?;
                number = state.script.as_deref_mut().map(|guest| guest.requests.send(head, body));
                Ok(())
            })
            .map_err(|_| broken("pointer"))?;
            number.ok_or_else(|| broken("state"))
        },
    )?;
    linker.func_wrap(MODULE, "cancel", |mut script: Script<'_>, number: i32| {
        guest(&mut script)?.requests.cancel(number);
        Ok(())
    })?;
    linker.func_wrap_async(MODULE, "wait", |script: Script<'_>, (milliseconds,): (f64,)| {
        Box::new(wait(script, milliseconds))
    })?;
    Ok(())
}

/// Waits for an answer from outside, or until it is time.
async fn wait(mut script: Script<'_>, milliseconds: f64) -> wasmtime::Result<i32> {
    script.data_mut().has_looked_out = true;
    let turn = script.data().turn().clone();
    // Longer than any action may take is for ever.
    let most = Duration::from_hours(1);
    let sleep = (milliseconds >= 0.0)
        .then(|| Duration::try_from_secs_f64(milliseconds / 1_000.0).unwrap_or(most).min(most))
        .map(|length| turn.sleep_until(turn.now() + length));
    let arrived = guest(&mut script)?.requests.arrived(sleep).await?;
    Ok(arrived.unwrap_or(0))
}
