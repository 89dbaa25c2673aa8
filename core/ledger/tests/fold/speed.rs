//! How long a record takes: `cargo test --release -p quirl-ledger --test fold speed -- --ignored --nocapture`.

use std::sync::Arc;
use std::time::Instant;

use ledger::fold::Ledger;
use ledger::record::*;
use model::id::{ActivationId, Incarnation, InvokerId, Offset, Shard};
use model::json::Json;
use model::limits::ActionLimits;
use model::time::{Millis, WallTime};

use super::words::{Words, caller, key_of};
use super::world::finish;

const CALLS: u64 = 200_000;

fn id(n: u64) -> ActivationId {
    let mut bytes = [0; 16];
    bytes[2..10].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    ActivationId::new(Shard::new(5), bytes)
}

/// Pairs of records as a server would decode them: `Accept` with its assignment, `Finish`.
fn call(n: u64, seq: u64, ledger: &Ledger) -> [Record; 2] {
    let entity = ledger.entity(&key_of("h")).expect("put before");
    let place = Place {
        invoker: InvokerId(0),
        incarnation: Incarnation { counter: 1, random: 2 },
        guarded: true,
    };
    let step = Step {
        action: Pin { key: key_of("h"), revision: entity.revision },
        born: entity.born,
        beneath: Vec::new(),
        path: "guest/h".to_owned(),
        binding: None,
        version: "0.0.1".to_owned(),
        kind: "nodejs:20".to_owned(),
        limits: ActionLimits::default(),
        retry: None,
        guarded: true,
    };
    let owner = ledger.owner();
    let accept = Accept {
        stamp: Stamp { epoch: owner.epoch, node: owner.node.expect("owned"), seq },
        by: caller(),
        cause: Cause::Invoke,
        received: WallTime(1),
        root: Root::Invoke(Birth {
            id: id(n),
            target: Target::Action(Arc::new(step)),
            queue: Millis(60_000),
            assign: Some(place),
        }),
        payload: Payload::Inline(Json::empty_object()),
        key: None,
        fire: None,
        expect: Vec::new(),
    };
    let of =
        Attempt { id: id(n), attempt: 1, invoker: place.invoker, incarnation: place.incarnation };
    [Body::Accept(Box::new(accept)), Body::Finish(Box::new(finish(of, false, false)))]
        .map(|body| Record { at: WallTime(2), body })
}

#[test]
#[ignore = "a measurement"]
#[expect(clippy::disallowed_methods, reason = "a measurement needs the clock")]
fn speed_of_blocking_calls() {
    for open in [0, 100_000_u64] {
        let mut ledger = Words::owned().ledger;
        let mut at = ledger.applied();
        let mut seq = ledger.owner().last_seq;
        let mut apply = |ledger: &mut Ledger, record: &Record| {
            at = at.next();
            ledger.apply(at, record).expect("valid");
        };
        for n in 0..open {
            seq += 1;
            let [accept, _] = call(1_000_000_000 + n, seq, &ledger);
            apply(&mut ledger, &accept);
        }
        let calls: Vec<_> = (0..CALLS).map(|n| call(n, seq + 1 + n, &ledger)).collect();
        let start = Instant::now();
        for records in &calls {
            records.iter().for_each(|record| apply(&mut ledger, record));
        }
        let fold = start.elapsed().as_nanos() / u128::from(2 * CALLS);
        let start = Instant::now();
        let bytes: Vec<_> = calls.iter().flatten().map(Record::encode).collect();
        let encode = start.elapsed().as_nanos() / u128::from(2 * CALLS);
        let start = Instant::now();
        let read = bytes.iter().filter(|bytes| Record::decode(bytes).is_ok()).count();
        let decode = start.elapsed().as_nanos() / u128::from(2 * CALLS);
        assert_eq!(read as u64, 2 * CALLS);
        let start = Instant::now();
        let snapshot = ledger.snapshot();
        let save = start.elapsed();
        let start = Instant::now();
        assert!(Ledger::from_snapshot(&snapshot).is_ok());
        println!(
            "{open} open: fold {fold} ns, encode {encode} ns, decode {decode} ns a record; snapshot of \
             {} bytes {save:?}, restored in {:?}; applied {}",
            snapshot.len(),
            start.elapsed(),
            Offset(ledger.applied().0),
        );
    }
}
