//! Arguments, environment, clocks and randomness.

use super::State;
use super::errno::{Called, Errno};
use super::memory::{Memory, offset};

/// Random bytes in one call. A guest that wants more asks again; otherwise one call could hold a
/// thread for seconds.
const MOST_RANDOM: usize = 1 << 20;

/// Arguments and environment as a guest gets them: each ends with a zero byte.
#[derive(Default)]
pub(super) struct Told {
    pub(super) arguments: Strings,
    pub(super) environment: Strings,
}

/// Texts, one after another.
#[derive(Default)]
pub(super) struct Strings {
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

impl Strings {
    /// What holds a zero byte cannot be passed on and is left out.
    fn of(texts: impl IntoIterator<Item = String>) -> Self {
        let mut all = Self::default();
        for text in texts.into_iter().filter(|text| !text.contains('\0')) {
            all.starts.push(all.bytes.len());
            all.bytes.extend_from_slice(text.as_bytes());
            all.bytes.push(0);
        }
        all
    }

    pub(super) fn sizes(&self, memory: &mut Memory<'_>, count: i32, bytes: i32) -> Called {
        memory.write_u32(count, number(self.starts.len())?)?;
        memory.write_u32(bytes, number(self.bytes.len())?)
    }

    pub(super) fn get(&self, memory: &mut Memory<'_>, starts: i32, bytes: i32) -> Called {
        memory.write(bytes, &self.bytes)?;
        for (index, start) in self.starts.iter().enumerate() {
            let start = offset(bytes, *start as u64)?;
            memory.write_u32(offset(starts, index as u64 * 4)?, start.cast_unsigned())?;
        }
        Ok(())
    }
}

fn number(number: usize) -> Result<u32, Errno> {
    u32::try_from(number).map_err(|_| Errno::OVERFLOW)
}

impl State {
    pub(super) fn told(&mut self) -> &Told {
        let words = &self.words;
        self.told.get_or_insert_with(|| Told {
            arguments: Strings::of(words.arguments()),
            environment: Strings::of(
                words.environment().into_iter().map(|(name, value)| format!("{name}={value}")),
            ),
        })
    }

    /// Nanoseconds of one of the four clocks.
    pub(super) fn time(&self, clock: i32) -> Result<u64, Errno> {
        match clock {
            0 => Ok(u64::try_from((self.outside.now_wall_ns)()).unwrap_or(0)),
            // Monotonic, and the two of processor time: since this instance began.
            1..=3 => {
                let since = self.turn.now().saturating_sub(self.started);
                Ok(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
            }
            _ => Err(Errno::INVAL),
        }
    }

    pub(super) fn random(&self, memory: &mut Memory<'_>, at: i32, length: i32) -> Called {
        let length = length.cast_unsigned() as usize;
        let bytes = memory.bytes_mut(at, length)?;
        if length > MOST_RANDOM {
            return Err(Errno::INVAL);
        }
        (self.outside.fill_random)(bytes);
        Ok(())
    }
}
