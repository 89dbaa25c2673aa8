//! Waiting: `poll_oneoff` and `sched_yield`. A guest that waits gives its thread to others.

use std::task::Poll;
use std::time::Duration;

use wasmtime::Caller;

use super::State;
use super::errno::{Called, Errno};
use super::linker::with_memory;
use super::memory::offset;

const SUBSCRIPTION: u64 = 48;
const EVENT: usize = 32;
/// More subscriptions in one call are refused.
const MOST: u32 = 1_024;

const CLOCK: u8 = 0;
const FD_READ: u8 = 1;
const FD_WRITE: u8 = 2;

/// One thing that is waited for.
#[derive(Clone, Copy)]
struct Wanted {
    userdata: [u8; 8],
    kind: u8,
    /// When it is there, on the driver's clock; `None`: now.
    at: Option<Duration>,
    errno: i32,
    bytes: u64,
}

/// Waits for the first of several things.
pub(super) async fn poll_oneoff(
    mut caller: Caller<'_, State>,
    (wanted, events, count, happened): (i32, i32, i32, i32),
) -> i32 {
    let mut subscriptions = Vec::new();
    let read = with_memory(&mut caller, |state, memory| {
        let count = count.cast_unsigned();
        if count == 0 || count > MOST {
            return Err(Errno::INVAL);
        }
        for index in 0..count {
            let bytes: [u8; 48] = memory.read(offset(wanted, u64::from(index) * SUBSCRIPTION)?)?;
            subscriptions.push(subscription(state, &bytes));
        }
        // Where the events will go must be there before anything is waited for.
        memory.bytes(events, count as usize * EVENT)?;
        memory.bytes(happened, 4)?;
        Ok(())
    });
    if let Err(errno) = read {
        return errno.0;
    }
    let first = subscriptions.iter().map(|wanted| wanted.at.unwrap_or_default()).min();
    let turn = caller.data().turn.clone();
    if let Some(first) = first
        && first > turn.now()
    {
        turn.sleep_until(first).await;
    }
    let now = turn.now();
    Errno::number(with_memory(&mut caller, |_, memory| {
        let mut number = 0_u32;
        for wanted in &subscriptions {
            if wanted.at.is_none_or(|at| at <= now) {
                let at = offset(events, u64::from(number) * EVENT as u64)?;
                memory.write(at, &wanted.event())?;
                number += 1;
            }
        }
        memory.write_u32(happened, number)
    }))
}

fn subscription(state: &State, bytes: &[u8; 48]) -> Wanted {
    let kind = bytes[8];
    let userdata = array(bytes, 0);
    let (at, called, available) = match kind {
        CLOCK => match clock(state, bytes) {
            Ok(at) => (Some(at), Ok(()), 0),
            Err(errno) => (None, Err(errno), 0),
        },
        FD_READ | FD_WRITE => {
            let fd = i32::from_le_bytes(array(bytes, 16));
            match state.ready(fd, kind == FD_WRITE) {
                Ok(available) => (None, Ok(()), available),
                Err(errno) => (None, Err(errno), 0),
            }
        }
        _ => (None, Err(Errno::INVAL), 0),
    };
    Wanted { userdata, kind, at, errno: Errno::number(called), bytes: available }
}

fn clock(state: &State, bytes: &[u8; 48]) -> Result<Duration, Errno> {
    let clock = i32::from_le_bytes(array(bytes, 16));
    let timeout = u64::from_le_bytes(array(bytes, 24));
    let is_absolute = bytes[40] & 1 == 1;
    let now = state.time(clock)?;
    let from_now = if is_absolute { timeout.saturating_sub(now) } else { timeout };
    Ok(state.turn.now().saturating_add(Duration::from_nanos(from_now)))
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}

impl Wanted {
    fn event(&self) -> [u8; EVENT] {
        let mut event = [0; EVENT];
        event[..8].copy_from_slice(&self.userdata);
        // Error numbers are below 100.
        event[8] = u8::try_from(self.errno).unwrap_or(u8::MAX);
        event[10] = self.kind;
        event[16..24].copy_from_slice(&self.bytes.to_le_bytes());
        event
    }
}

/// Lets others go ahead once.
pub(super) async fn sched_yield(caller: Caller<'_, State>) -> i32 {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        caller.data().turn.note_yield();
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
    Errno::number(Called::Ok(()))
}
