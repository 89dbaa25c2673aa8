//! Records that this process wrote, until they come back: what we encoded need not be decoded.
//!
//! A frame is known by the place of its bytes in memory, which nobody else can have while the
//! frame is held here. A log that hands back other bytes (from disk, from a broker) is decoded.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use ledger::record::{BadRecord, Record};

/// So many are remembered; then all are forgotten, and decoded when they come. Only what the log
/// took and lost stays so long.
const MOST: usize = 1 << 16;

/// Records on their way through the log.
#[derive(Debug, Default)]
pub struct Memo(Mutex<HashMap<usize, (Bytes, Arc<Record>)>>);

impl Memo {
    /// Hands the record to `append` as it is stored, and remembers it until it is read back; not if
    /// it is refused.
    ///
    /// # Errors
    /// What `append` says.
    pub fn hand_over<E>(
        &self,
        record: Record,
        append: impl FnOnce(Bytes) -> Result<(), E>,
    ) -> Result<(), E> {
        let frame = self.remember(record);
        // Held meanwhile, so that its place stays its own.
        let handed = append(frame.clone());
        if handed.is_err() {
            self.lock().remove(&place(&frame));
        }
        handed
    }

    fn remember(&self, record: Record) -> Bytes {
        let frame = record.encode();
        let mut known = self.lock();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(place(&frame), (frame.clone(), Arc::new(record)));
        frame
    }

    /// Reads records back; what was remembered of them is forgotten.
    ///
    /// # Errors
    /// [`BadRecord`], with its number in `frames`.
    pub fn decode<'a>(
        &self,
        frames: impl IntoIterator<Item = &'a Bytes>,
    ) -> Vec<Result<Arc<Record>, BadRecord>> {
        let known: Vec<_> = {
            let mut memo = self.lock();
            frames.into_iter().map(|frame| (frame, memo.remove(&place(frame)))).collect()
        };
        let decoded = known.into_iter().map(|(frame, known)| match known {
            Some((bytes, record)) if bytes.len() == frame.len() => {
                debug_assert_eq!(Record::decode(frame).as_ref(), Ok(&*record));
                Ok(record)
            }
            _ => Record::decode(frame).map(Arc::new),
        });
        decoded.collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<usize, (Bytes, Arc<Record>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn place(frame: &Bytes) -> usize {
    frame.as_ptr() as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::record::{Attempt, Body};
    use model::id::{ActivationId, Incarnation, InvokerId};
    use model::time::WallTime;

    fn record(number: u8) -> Record {
        let of = Attempt {
            id: ActivationId::from_bytes([number; 16]),
            attempt: 1,
            invoker: InvokerId(0),
            incarnation: Incarnation { counter: 1, random: 1 },
        };
        Record { at: WallTime(5), body: Body::Touched(of) }
    }

    #[test]
    fn what_comes_back_is_what_was_written_whether_or_not_it_is_remembered() {
        let memo = Memo::default();
        let frame = memo.remember(record(1));
        let elsewhere = record(2).encode();
        let frames = [frame.clone(), elsewhere, frame, Bytes::from_static(b"no record")];
        let decoded = memo.decode(&frames);
        let expected = [Ok(record(1)), Ok(record(2)), Ok(record(1)), Err(BadRecord::Checksum(9))];
        for (decoded, expected) in decoded.iter().zip(&expected) {
            assert_eq!(decoded.as_deref(), expected.as_ref());
        }
        assert!(memo.lock().is_empty(), "it is remembered once");
    }

    #[test]
    fn what_never_comes_back_is_not_remembered_for_ever() {
        let memo = Memo::default();
        let frames: Vec<_> = (0..=MOST).map(|_| memo.remember(record(3))).collect();
        assert_eq!(memo.lock().len(), 1);
        assert!(memo.decode(&frames).iter().all(Result::is_ok));
    }

    #[test]
    fn what_is_refused_is_not_remembered() {
        let memo = Memo::default();
        assert_eq!(memo.hand_over(record(4), |_| Err("full")), Err("full"));
        assert!(memo.lock().is_empty());
        assert_eq!(memo.hand_over(record(4), |_| Ok::<_, &str>(())), Ok(()));
        assert_eq!(memo.lock().len(), 1);
    }
}
