//! Invariants of `exactly-once.md` §13, as far as the fold alone decides them, kept by books of their
//! own: from records, verdicts and what was said to have happened, never from the state.

use std::collections::{BTreeMap, BTreeSet};

use ledger::fold::{Change, Happened, Ledger, Void};
use ledger::record::*;
use model::id::{ActivationId, Digest, Epoch, NodeId, Offset};
use model::outcome::Reason;

/// An invariant by its id, and what broke it.
pub type Broken = (&'static str, String);

struct Known {
    sequence: bool,
    open: bool,
    retry: Option<u8>,
    action: EntityKey,
    born: Offset,
    now: Option<Attempt>,
    attempts: Vec<Tried>,
}

struct Tried {
    of: Attempt,
    guarded: bool,
    touched: bool,
    given_back: bool,
}

impl Known {
    fn used(&self) -> usize {
        self.attempts.iter().filter(|it| !it.given_back).count()
    }

    fn limit(&self) -> usize {
        self.retry.map_or(3, usize::from)
    }

    fn rerunnable(&self) -> bool {
        let last = self.attempts.last();
        let harmless = last.is_some_and(|it| it.guarded && !it.touched);
        self.used() < self.limit() && (self.retry.is_some() || harmless)
    }
}

/// The books.
#[derive(Default)]
pub struct Checker {
    claimed: Option<Epoch>,
    yielded: Option<NodeId>,
    heard: Offset,
    known: BTreeMap<ActivationId, Known>,
    accepted: BTreeSet<ActivationId>,
    keys: BTreeMap<(KeyClass, Digest), Offset>,
    schedules: BTreeMap<(EntityKey, u64), i64>,
    messages: BTreeMap<(EntityKey, u64, u32), u64>,
    entities: BTreeMap<EntityKey, (Offset, Document)>,
}

impl Checker {
    /// Takes note of a record and its verdict; `after` serves only to look up pinned definitions and
    /// the numbers that the fold reports.
    pub fn see(
        &mut self,
        at: Offset,
        record: &Record,
        verdict: &Result<Change, Void>,
        after: &Ledger,
    ) -> Result<(), Broken> {
        let Ok(change) = verdict else { return Ok(()) };
        self.owner(at, record)?;
        match &record.body {
            Body::Write(it) => self.write(at, it)?,
            Body::Accept(it) => self.accept(at, it)?,
            _ => {}
        }
        for happened in &change.happened {
            self.happened(record, happened, after)?;
        }
        Ok(())
    }

    fn owner(&mut self, at: Offset, record: &Record) -> Result<(), Broken> {
        if let Body::Claim(it) = &record.body {
            let next = self.claimed.map_or(1, |epoch| epoch.0 + 1);
            check("I18", it.epoch.0 == next, || format!("claim of {:?}", it.epoch))?;
            let silent = self.heard <= it.base || self.yielded == Some(it.node);
            check("I26", silent, || format!("{:?} claimed over a live owner", it.node))?;
            (self.claimed, self.yielded, self.heard) = (Some(it.epoch), None, at);
        }
        if let Some(stamp) = record.body.stamp() {
            let right = Some(stamp.epoch) == self.claimed;
            check("I18", right, || format!("{} of {:?}", record.body.kind(), stamp.epoch))?;
            self.heard = at;
        }
        if let Body::Yield(it) = &record.body {
            self.yielded = Some(it.to);
        }
        Ok(())
    }

    fn write(&mut self, at: Offset, it: &Write) -> Result<(), Broken> {
        for op in &it.ops {
            match op {
                Op::Put { key, document, .. } => {
                    let absent = it.expect.iter().any(|e| e.key == *key && e.mark == Mark::Absent);
                    let twice = absent && self.entities.contains_key(key);
                    check("I27", !twice, || format!("{key} put twice"))?;
                    for around in surrounding(key, document) {
                        let born = it.expect.iter().find_map(|e| match e.mark {
                            Mark::Born(born) if e.key == around => Some(born),
                            _ => None,
                        });
                        let is = self.entities.get(&around).map(|(born, _)| *born);
                        check("I27", is.is_some() && is == born, || {
                            format!("{key} put, but {around} is gone")
                        })?;
                    }
                    let born = self.entities.get(key).map_or(at, |(born, _)| *born);
                    self.entities.insert(key.clone(), (born, document.clone()));
                }
                Op::Delete(key) => {
                    self.entities.remove(key);
                    let inside = format!("{key}/");
                    let left = self.entities.keys().any(|key| key.as_str().starts_with(&inside));
                    check("I27", !left, || format!("{key} deleted with contents"))?;
                }
                Op::Touch(_) => {}
            }
        }
        Ok(())
    }

    fn accept(&mut self, at: Offset, it: &Accept) -> Result<(), Broken> {
        if let Some(key) = &it.key {
            let name = (key.class, key.key);
            if let Some(first) = self.keys.insert(name, at) {
                // It entered at `since`: inside the window of the first use, a second is none.
                let over = key.since.0 >= first.0 + key.window.0;
                check("I22", over, || format!("key used at {first} and {at}"))?;
            }
        }
        match &it.fire {
            Some(FireKey::Schedule { trigger, generation, time, .. }) => {
                let last = self.schedules.insert((trigger.clone(), *generation), *time);
                check("I10", last.is_none_or(|last| last < *time), || format!("fired {time}"))?;
            }
            Some(FireKey::Source { feed, generation, partition, offset, .. }) => {
                let place = (feed.clone(), *generation, *partition);
                let last = self.messages.insert(place, *offset);
                let next = last.is_none_or(|last| last + 1 == *offset);
                check("I11", next, || format!("message {offset} behind {last:?}"))?;
            }
            None => {}
        }
        if let Root::Fire(fire) = &it.root {
            let told: BTreeSet<String> =
                fire.rules.iter().map(|ruled| ruled.rule.clone()).collect();
            let is = rules_of(&fire.name, self.entities.iter().map(|(key, (_, it))| (key, it)));
            check("I8", told == is, || format!("fired {told:?}, active are {is:?}"))?;
        }
        Ok(())
    }

    fn happened(
        &mut self,
        record: &Record,
        happened: &Happened,
        after: &Ledger,
    ) -> Result<(), Broken> {
        match happened {
            Happened::Accepted { id, .. } => {
                check("I1", self.accepted.insert(*id), || format!("{id} accepted twice"))
            }
            Happened::Born { id, parent } => self.born(*id, *parent, after),
            Happened::Assigned(it) => self.assigned(&it.of, it.guarded),
            Happened::Touched { of, .. } => self.touched(of),
            Happened::Returned { of, started, .. } => self.unassigned(of, *started == Started::No),
            Happened::AttemptLost { of } => self.unassigned(of, false),
            Happened::Ended(it) => {
                check("I17", after.open(&it.row.id).is_none(), || format!("{} stays", it.row.id))?;
                if it.tree.is_some() { self.ended(record, it.row.id) } else { Ok(()) }
            }
            Happened::Claimed { .. }
            | Happened::Yielded { .. }
            | Happened::Wrote(_)
            | Happened::Purged { .. }
            | Happened::Archived { .. } => Ok(()),
        }
    }

    fn born(&mut self, id: ActivationId, sequence: bool, after: &Ledger) -> Result<(), Broken> {
        let Some(open) = after.open(&id) else {
            return Err(("I2", format!("{id} born, not open")));
        };
        let step = open.step();
        let known = Known {
            sequence,
            open: true,
            retry: step.retry,
            action: step.action.key.clone(),
            born: step.born,
            now: None,
            attempts: Vec::new(),
        };
        let before = self.known.insert(id, known);
        check("I2", before.is_none(), || format!("{id} born twice"))
    }

    fn assigned(&mut self, of: &Attempt, guarded: bool) -> Result<(), Broken> {
        let Some(known) = self.known.get_mut(&of.id).filter(|known| known.open) else {
            return Err(("I3", format!("{of:?} assigned, not open")));
        };
        check("I3", known.now.is_none(), || format!("{of:?} assigned twice"))?;
        let present = self.entities.get(&known.action).is_some_and(|(born, _)| *born == known.born);
        check("I28", present, || format!("{of:?} behind the delete of {}", known.action))?;
        check("I6", known.used() < known.limit(), || format!("{of:?} is one too many"))?;
        let acted = known.attempts.iter().any(|it| it.touched || (!it.guarded && !it.given_back));
        check("I6", known.retry.is_some() || !acted, || format!("{of:?} after one that acted"))?;
        known.now = Some(*of);
        known.attempts.push(Tried { of: *of, guarded, touched: false, given_back: false });
        Ok(())
    }

    fn touched(&mut self, of: &Attempt) -> Result<(), Broken> {
        let known = self.known.get_mut(&of.id).filter(|known| known.open);
        let now = known.as_ref().and_then(|known| known.now);
        check("I24", now == Some(*of), || format!("{of:?} touched, assigned is {now:?}"))?;
        let tried = known.and_then(|known| known.attempts.iter_mut().find(|it| it.of == *of));
        tried.into_iter().for_each(|it| it.touched = true);
        Ok(())
    }

    fn unassigned(&mut self, of: &Attempt, given_back: bool) -> Result<(), Broken> {
        let Some(known) = self.known.get_mut(&of.id) else { return Err(("I3", format!("{of:?}"))) };
        check("I3", known.now == Some(*of), || format!("{of:?} unassigned, not assigned"))?;
        known.now = None;
        let tried = known.attempts.iter_mut().find(|it| it.of == *of);
        tried.into_iter().for_each(|it| it.given_back = given_back);
        Ok(())
    }

    fn ended(&mut self, record: &Record, id: ActivationId) -> Result<(), Broken> {
        let known = self.known.get_mut(&id).filter(|known| known.open);
        let Some(known) = known else { return Err(("I2", format!("{id} ended twice"))) };
        match &record.body {
            Body::Finish(it) if it.of.id == id => {
                check("I3", known.now == Some(it.of), || format!("{:?} finished", it.of))?;
            }
            Body::Expire(it) if it.id == id && it.reason == Reason::Lost => {
                check("I25", !known.rerunnable(), || format!("{id} lost, but re-runnable"))?;
            }
            _ => {}
        }
        known.open = false;
        known.now = None;
        Ok(())
    }

    /// What the fold reports is what can be counted.
    pub fn count(&self, ledger: &Ledger) -> Result<(), Broken> {
        let open = self.known.values().filter(|known| known.open && !known.sequence).count();
        let told: u64 = ledger.all_in_flight().map(|(_, count)| count).sum();
        check("I12", open as u64 == told, || format!("{open} in flight, {told} told"))?;
        let counts = ledger.counts();
        let running = self.known.values().filter(|known| known.now.is_some()).count();
        check("I12", running as u64 == counts.running, || format!("{running} running"))?;
        let waiting: usize =
            ledger.waiting_namespaces().map(|namespace| ledger.waiting(namespace).count()).sum();
        let right = waiting as u64 == counts.waiting && waiting + running == open;
        check("I12", right, || format!("{waiting} waiting"))
    }

    /// After quiescence: all that was born has ended.
    pub fn quiet(&self) -> Result<(), Broken> {
        let left = self.known.iter().find(|(_, known)| known.open);
        check("I2", left.is_none(), || format!("{} never ended", left.expect("some").0))
    }
}

fn check(
    invariant: &'static str,
    holds: bool,
    what: impl FnOnce() -> String,
) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err((invariant, what())) }
}

/// What must exist for an entity to exist: its package, or the trigger of a rule, whose document is
/// `rule on <trigger> for <action>`.
fn surrounding(key: &EntityKey, document: &Document) -> Vec<EntityKey> {
    let mut around = Vec::new();
    let parts: Vec<&str> = key.as_str().split('/').collect();
    if let [_, namespace, package, _] = parts[..] {
        around.push(EntityKey(format!("n/{namespace}/{package}").into()));
    }
    around
        .extend(rule(document).map(|(trigger, _)| EntityKey(format!("n/guest/{trigger}").into())));
    around
}

/// Trigger and action of a rule.
pub fn rule(document: &Document) -> Option<(String, String)> {
    let Document::Inline(text) = document else { return None };
    let text = std::str::from_utf8(text).ok()?;
    let (trigger, action) = text.strip_prefix("rule on ")?.split_once(" for ")?;
    Some((trigger.to_owned(), action.to_owned()))
}

/// Names of the rules of a trigger.
pub fn rules_of<'a>(
    trigger: &str,
    entities: impl Iterator<Item = (&'a EntityKey, &'a Document)>,
) -> BTreeSet<String> {
    entities
        .filter(|(_, document)| rule(document).is_some_and(|(on, _)| on == trigger))
        .map(|(key, _)| key.to_string())
        .collect()
}
