//! The truth, and the invariants of `exactly-once.md` §13 held against it.
//!
//! [`Truth`] follows what is readable in the log, before any process does. Its verdicts come from the
//! same fold (a mutated rule is mutated for everybody), but what it knows of activations, attempts,
//! keys and entities are books of its own, kept from records and from what was said to have
//! happened. Everything that a process does is shown to it: an effect without its record in the
//! log is I16.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ledger::fold::{Change, Ended, Happened, Ledger, Void};
use ledger::id;
use ledger::record::{
    Accept, Attempt, Body, Claim, EntityKey, KeyClass, Mark, Op, Pin, Record, Root, Started,
    Target, Write,
};
use model::activation::Row;
use model::id::{ActivationId, Digest, Epoch, Incarnation, Offset};
use model::outcome::{Class, Reason};

use super::actions;

/// When an attempt that nobody hears of may be given up: twice its limit, and ten seconds.
const HARD_DEADLINE_MS: i64 = 26_000;

/// An invariant by its id, and what broke it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// `I1`, …
    pub invariant: &'static str,
    /// What was seen.
    pub what: String,
}

/// Nothing, unless something is broken.
pub type Checked = Result<(), Broken>;

/// Holds a condition against an invariant.
///
/// # Errors
/// [`Broken`] if it does not hold.
pub fn check(invariant: &'static str, holds: bool, what: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(Broken { invariant, what: what() }) }
}

/// A record as it stands in the log.
#[derive(Clone, Debug)]
pub struct Entry {
    /// It.
    pub record: Arc<Record>,
    /// What it changed, or why it changed nothing.
    pub verdict: Result<Change, Void>,
    /// The state hash behind it.
    pub hash: u128,
}

#[derive(Debug)]
struct Known {
    open: bool,
    retry: Option<u8>,
    action: EntityKey,
    born: Offset,
    path: String,
    increment: i64,
    x: i64,
    sequence: Option<Sequence>,
    enclosing: Option<(ActivationId, u32)>,
    now: Option<Attempt>,
    tried: Vec<Tried>,
}

#[derive(Debug)]
struct Sequence {
    steps: usize,
    position: u32,
    path: Vec<u32>,
}

#[derive(Debug)]
struct Tried {
    of: Attempt,
    guarded: bool,
    touched: bool,
    given_back: bool,
    assigned_ms: i64,
}

impl Known {
    fn used(&self) -> usize {
        self.tried.iter().filter(|it| !it.given_back).count()
    }

    fn limit(&self) -> usize {
        self.retry.map_or(3, usize::from)
    }

    fn rerunnable(&self) -> bool {
        let harmless = self.tried.last().is_some_and(|it| it.guarded && !it.touched);
        self.used() < self.limit() && (self.retry.is_some() || harmless)
    }

    fn tried(&mut self, of: &Attempt) -> Option<&mut Tried> {
        self.tried.iter_mut().find(|it| it.of == *of)
    }
}

#[derive(Clone, Debug)]
struct KeyBook {
    first: ActivationId,
    request: Digest,
    applied_ms: i64,
    window_ms: u64,
}

/// The log as it is, and the books.
#[derive(Debug)]
pub struct Truth {
    ledger: Ledger,
    entries: Vec<Entry>,
    now_ms: i64,
    epoch: Option<Epoch>,
    heard: Offset,
    known: BTreeMap<ActivationId, Known>,
    accepted: BTreeMap<ActivationId, Offset>,
    refused: BTreeSet<ActivationId>,
    written: BTreeSet<String>,
    not_written: BTreeSet<String>,
    ended: BTreeMap<ActivationId, Arc<Ended>>,
    keys: BTreeMap<(KeyClass, Digest), KeyBook>,
    firsts: BTreeSet<(Digest, ActivationId)>,
    entities: BTreeMap<EntityKey, Offset>,
    documents: BTreeMap<Pin, String>,
    starts: BTreeSet<Attempt>,
    left: BTreeMap<ActivationId, BTreeSet<Attempt>>,
    /// How often each kind of record met each verdict.
    pub verdicts: BTreeMap<(&'static str, &'static str), u64>,
    /// Attempts whose code runs on undisturbed in the process that owns the partition.
    pub undisturbed: BTreeSet<Attempt>,
    /// Activations whose end was decided and then refused by the log: they are given up soon after.
    pub not_expired: BTreeSet<ActivationId>,
    snapshots: Vec<Vec<u8>>,
}

impl Truth {
    /// Before the first record.
    #[must_use]
    pub fn new(ledger: Ledger) -> Self {
        Self {
            ledger,
            entries: Vec::new(),
            now_ms: 0,
            epoch: None,
            heard: Offset::NONE,
            known: BTreeMap::new(),
            accepted: BTreeMap::new(),
            refused: BTreeSet::new(),
            written: BTreeSet::new(),
            not_written: BTreeSet::new(),
            ended: BTreeMap::new(),
            keys: BTreeMap::new(),
            firsts: BTreeSet::new(),
            entities: BTreeMap::new(),
            documents: BTreeMap::new(),
            starts: BTreeSet::new(),
            left: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            undisturbed: BTreeSet::new(),
            not_expired: BTreeSet::new(),
            snapshots: Vec::new(),
        }
    }

    /// The state behind all that is readable.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What stands at an offset.
    #[must_use]
    pub fn entry(&self, at: Offset) -> Option<&Entry> {
        let index = usize::try_from(at.0.checked_sub(1)?).ok()?;
        self.entries.get(index)
    }

    /// All that was read, with offsets.
    pub fn entries(&self) -> impl Iterator<Item = (Offset, &Entry)> {
        (1..).map(Offset).zip(&self.entries)
    }

    /// Valid `Accept`s.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.accepted.len() as u64
    }

    /// How an activation ended.
    #[must_use]
    pub fn ended(&self, id: ActivationId) -> Option<&Arc<Ended>> {
        self.ended.get(&id)
    }

    /// The next record of the log.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn read(&mut self, at: Offset, record: Arc<Record>, now_ms: i64) -> Checked {
        self.now_ms = now_ms;
        let verdict = self.ledger.apply(at, &record);
        let word = verdict.as_ref().map_or_else(Void::word, |_| "valid");
        *self.verdicts.entry((record.body.kind(), word)).or_default() += 1;
        if let Ok(change) = &verdict {
            self.owner(at, &record)?;
            match &record.body {
                Body::Write(it) => self.write(at, it)?,
                Body::Accept(it) => self.accept(at, it)?,
                _ => {}
            }
            for happened in &change.happened {
                self.happened(&record, happened)?;
            }
            for ended in change.ended() {
                self.stepped(ended)?;
            }
        }
        let hash = self.ledger.hash();
        self.entries.push(Entry { record, verdict, hash });
        if at.0.is_multiple_of(32) { self.count() } else { Ok(()) }
    }

    fn owner(&mut self, at: Offset, record: &Record) -> Checked {
        if let Body::Claim(Claim { epoch, base, node, .. }) = &record.body {
            let next = self.epoch.map_or(1, |epoch| epoch.0 + 1);
            check("I18", epoch.0 == next, || format!("claim of {epoch:?}"))?;
            let silent = self.heard <= *base;
            check("I26", silent, || format!("{node:?} claimed over a live owner"))?;
            (self.epoch, self.heard) = (Some(*epoch), at);
        }
        if let Some(stamp) = record.body.stamp() {
            let right = Some(stamp.epoch) == self.epoch;
            check("I18", right, || format!("{} of {:?}", record.body.kind(), stamp.epoch))?;
            self.heard = at;
        }
        Ok(())
    }

    fn write(&mut self, at: Offset, it: &Write) -> Checked {
        let refused = self.not_written.contains(&it.by);
        check("I21", !refused, || format!("{} was refused and stands at {at}", it.by))?;
        self.written.insert(it.by.clone());
        for op in &it.ops {
            match op {
                Op::Put { key, document, .. } => {
                    let absent = it.expect.iter().any(|e| e.key == *key && e.mark == Mark::Absent);
                    let twice = absent && self.entities.contains_key(key);
                    check("I27", !twice, || format!("{key} put twice"))?;
                    if let Some(package) = package_of(key) {
                        let is = self.entities.get(&package).copied();
                        let expected = it.expect.iter().find_map(|e| match e.mark {
                            Mark::Born(born) if e.key == package => Some(born),
                            _ => None,
                        });
                        check("I27", is.is_some() && is == expected, || {
                            format!("{key} put, but its package is gone")
                        })?;
                    }
                    self.entities.entry(key.clone()).or_insert(at);
                    let pin = Pin { key: key.clone(), revision: at };
                    self.documents.insert(pin, actions::text(document).to_owned());
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

    fn accept(&mut self, at: Offset, it: &Accept) -> Checked {
        let Root::Invoke(birth) = &it.root else { return Ok(()) };
        let id = birth.id;
        let refused = self.refused.contains(&id);
        check("I21", !refused, || format!("{id} was refused and accepted at {at}"))?;
        let before = self.accepted.insert(id, at);
        check("I1", before.is_none(), || format!("{id} accepted at {before:?} and {at}"))?;
        let Some(key) = &it.key else { return Ok(()) };
        let name = (key.class, key.key);
        let book = KeyBook {
            first: id,
            request: key.request,
            applied_ms: self.now_ms,
            window_ms: key.window.0,
        };
        self.firsts.insert((key.key, id));
        let Some(former) = self.keys.insert(name, book) else { return Ok(()) };
        // It entered at `received`: inside the window of the first use, a second is none.
        let entered = it.received.0.saturating_sub(former.applied_ms);
        let over = entered >= i64::try_from(former.window_ms).unwrap_or(i64::MAX);
        check("I22", over, || {
            format!("{id} at {at} entered {entered} ms after its key made {}", former.first)
        })
    }

    fn happened(&mut self, record: &Record, happened: &Happened) -> Checked {
        match happened {
            Happened::Born { id, parent } => self.born(record, *id, *parent),
            Happened::Assigned(it) => self.assigned(&it.of, it.guarded),
            Happened::Touched { of, .. } => self.touched(of),
            Happened::Returned { of, started, .. } => self.unassigned(of, *started == Started::No),
            Happened::AttemptLost { of } => {
                self.not_given_up_early(of)?;
                self.unassigned(of, false)
            }
            Happened::Ended(it) => self.end(record, it),
            Happened::Accepted { .. }
            | Happened::Claimed { .. }
            | Happened::Yielded { .. }
            | Happened::Wrote(_)
            | Happened::Purged { .. }
            | Happened::Archived { .. } => Ok(()),
        }
    }

    fn born(&mut self, record: &Record, id: ActivationId, parent: bool) -> Checked {
        let open = self.ledger.open(&id);
        let step = open.map(|open| (open.step().clone(), open.target.clone()));
        let (Some(open), Some((step, target))) = (open, step) else {
            return Err(Broken { invariant: "I2", what: format!("{id} born, not open") });
        };
        let x = match &record.body {
            Body::Accept(accept) => actions::x_of(&accept.payload),
            Body::Finish(finish) => finish.result.as_ref().map_or(0, actions::x_of),
            _ => 0,
        };
        let (root, enclosing) = (open.tree.root, open.enclosing.map(|it| (it.id, it.position)));
        let path = self.derived(id, root, enclosing)?;
        let sequence = match &target {
            Target::Sequence(it) if parent => {
                Some(Sequence { steps: it.steps.len(), position: 0, path })
            }
            _ => None,
        };
        let document = self.documents.get(&step.action).map_or("", String::as_str);
        let known = Known {
            open: true,
            retry: step.retry,
            action: step.action.key.clone(),
            born: step.born,
            path: step.path,
            increment: actions::increment(document),
            x,
            sequence,
            enclosing,
            now: None,
            tried: Vec::new(),
        };
        let before = self.known.insert(id, known);
        check("I2", before.is_none(), || format!("{id} born twice"))
    }

    /// I9: a step has the derived id, and its sequence is at the step before.
    fn derived(
        &mut self,
        id: ActivationId,
        root: ActivationId,
        enclosing: Option<(ActivationId, u32)>,
    ) -> Result<Vec<u32>, Broken> {
        let Some((around, position)) = enclosing else {
            check("I9", id == root, || format!("{id} is the root of {root}"))?;
            return Ok(Vec::new());
        };
        let known = self.known.get_mut(&around).filter(|known| known.open);
        let Some(sequence) = known.and_then(|known| known.sequence.as_mut()) else {
            return Err(Broken { invariant: "I9", what: format!("{id} born into {around}") });
        };
        let follows = position == 0 && sequence.position == 0 || position == sequence.position + 1;
        check("I9", follows, || format!("{id} is step {position} of {around}"))?;
        let derived = id::child(root, &sequence.path, position);
        check("I9", id == derived, || format!("{id} is not the derived id {derived}"))?;
        sequence.position = position;
        let mut path = sequence.path.clone();
        path.push(position);
        Ok(path)
    }

    fn assigned(&mut self, of: &Attempt, guarded: bool) -> Checked {
        let Some(known) = self.known.get_mut(&of.id).filter(|known| known.open) else {
            return Err(Broken { invariant: "I3", what: format!("{of:?} assigned, not open") });
        };
        check("I3", known.now.is_none(), || format!("{of:?} assigned twice"))?;
        let present = self.entities.get(&known.action) == Some(&known.born);
        check("I28", present, || format!("{of:?} behind the delete of {}", known.action))?;
        check("I6", known.used() < known.limit(), || format!("{of:?} is one too many"))?;
        let acted = known.tried.iter().any(|it| it.touched || (!it.guarded && !it.given_back));
        check("I6", known.retry.is_some() || !acted, || format!("{of:?} after one that acted"))?;
        known.now = Some(*of);
        // What it may do decides, not what the assignment says of it.
        let guarded = guarded && known.path != "guest/bare";
        let assigned_ms = self.now_ms;
        known.tried.push(Tried {
            of: *of,
            guarded,
            touched: false,
            given_back: false,
            assigned_ms,
        });
        Ok(())
    }

    fn touched(&mut self, of: &Attempt) -> Checked {
        let known = self.known.get_mut(&of.id).filter(|known| known.open);
        let now = known.as_ref().and_then(|known| known.now);
        check("I24", now == Some(*of), || format!("{of:?} touched, assigned is {now:?}"))?;
        known.and_then(|known| known.tried(of)).into_iter().for_each(|it| it.touched = true);
        Ok(())
    }

    fn unassigned(&mut self, of: &Attempt, given_back: bool) -> Checked {
        let now = self.known.get(&of.id).and_then(|known| known.now);
        check("I3", now == Some(*of), || format!("{of:?} unassigned, assigned is {now:?}"))?;
        if given_back {
            let started = self.starts.contains(of);
            check("I6", !started, || {
                format!("{of:?} was started, and is given back as unstarted")
            })?;
        }
        let Some(known) = self.known.get_mut(&of.id) else { return Ok(()) };
        known.now = None;
        known.tried(of).into_iter().for_each(|it| it.given_back = given_back);
        Ok(())
    }

    fn end(&mut self, record: &Record, ended: &Arc<Ended>) -> Checked {
        let id = ended.row.id;
        check("I17", self.ledger.open(&id).is_none(), || format!("{id} ended and stays"))?;
        let Some(known) = self.known.get_mut(&id).filter(|known| known.open) else {
            return Err(Broken { invariant: "I2", what: format!("{id} ended twice") });
        };
        match &record.body {
            Body::Finish(it) if it.of.id == id => {
                check("I3", known.now == Some(it.of), || format!("{:?} finished", it.of))?;
                let ran = self.starts.contains(&it.of);
                check("I3", ran, || format!("{:?} finished and never ran", it.of))?;
                let (class, result) = actions::answer(&known.path, known.increment, known.x);
                if matches!(it.class, Class::Success | Class::ApplicationError) {
                    let same = it.class == class
                        && it.result == Some(ledger::record::Payload::Inline(result));
                    check("I5", same, || {
                        format!("{} of {} answered {:?}", known.path, known.x, it.result)
                    })?;
                }
            }
            Body::Expire(it) if it.id == id && it.reason == Reason::Lost => {
                check("I25", !known.rerunnable(), || format!("{id} lost, but re-runnable"))?;
                if let Some(of) = known.now {
                    self.not_given_up_early(&of)?;
                }
            }
            _ => {}
        }
        let Some(known) = self.known.get_mut(&id) else { return Ok(()) };
        known.open = false;
        known.now = None;
        self.ended.insert(id, Arc::clone(ended));
        Ok(())
    }

    /// §6: what runs undisturbed in the one process is given up by its hard deadline, not before.
    fn not_given_up_early(&self, of: &Attempt) -> Checked {
        let tried = self.known.get(&of.id).and_then(|it| it.tried.iter().find(|it| it.of == *of));
        let after = tried.map_or(i64::MAX, |it| self.now_ms.saturating_sub(it.assigned_ms));
        let undisturbed = self.undisturbed.contains(of) && !self.not_expired.contains(&of.id);
        let early = undisturbed && after < HARD_DEADLINE_MS;
        check("early", !early, || format!("{of:?} runs, and is given up after {after} ms"))
    }

    /// I9: behind a step there is the next one, or the end of its sequence.
    fn stepped(&self, ended: &Ended) -> Checked {
        let id = ended.row.id;
        let around = self.known.get(&id).and_then(|known| known.enclosing);
        let Some((around, position)) = around else { return Ok(()) };
        let Some(known) = self.known.get(&around).filter(|known| known.open) else {
            return Ok(());
        };
        let Some(sequence) = &known.sequence else { return Ok(()) };
        let went_on = ended.row.class == Class::Success && sequence.position == position + 1;
        check("I9", went_on, || {
            format!("step {position} ended as {}, and {around} waits on", ended.row.class)
        })?;
        let last = usize::try_from(position).is_ok_and(|position| position + 1 >= sequence.steps);
        check("I9", !last, || format!("{around} is open behind its last step"))
    }

    /// What the fold counts is what the books count.
    fn count(&self) -> Checked {
        let open = self.known.values().filter(|it| it.open && it.sequence.is_none()).count();
        let told: u64 = self.ledger.all_in_flight().map(|(_, count)| count).sum();
        check("I12", open as u64 == told, || format!("{open} in flight, {told} told"))?;
        let running = self.known.values().filter(|it| it.now.is_some()).count() as u64;
        let counts = self.ledger.counts();
        let right = running == counts.running && counts.waiting + running == told;
        check("I12", right, || format!("{running} running, counted {counts:?}"))
    }

    // --- what processes do -----------------------------------------------------------------

    /// A process says that its state behind `at` has a hash. Offsets that nobody can read yet are
    /// not compared: that is I16's business.
    ///
    /// # Errors
    /// I13.
    pub fn follows(&self, at: Offset, hash: u128) -> Checked {
        let Some(entry) = self.entry(at) else { return Ok(()) };
        check("I13", entry.hash == hash, || format!("another state at {at}"))
    }

    /// A caller is told that its request was accepted.
    ///
    /// # Errors
    /// I16.
    pub fn told_accepted(&self, id: ActivationId) -> Checked {
        let stands = self.accepted.contains_key(&id);
        check("I16", stands, || format!("{id} was answered 2xx and is not in the log"))
    }

    /// A caller is told that its request was not accepted and never will be.
    ///
    /// # Errors
    /// I21.
    pub fn told_refused(&mut self, id: ActivationId) -> Checked {
        self.refused.insert(id);
        let stands = self.accepted.contains_key(&id);
        check("I21", !stands, || format!("{id} was refused, and is in the log"))
    }

    /// A caller is told which activation its key made.
    ///
    /// # Errors
    /// I16, I22.
    pub fn told_known(
        &self,
        key: Digest,
        request: Digest,
        first: ActivationId,
        same: bool,
    ) -> Checked {
        self.told_accepted(first)?;
        let of_it = self.firsts.contains(&(key, first));
        check("I22", of_it, || format!("{first} was not made by that key"))?;
        let book = self.keys.values().find(|book| book.first == first);
        let right = book.is_none_or(|book| (book.request == request) == same);
        check("I22", right, || format!("{first}: another request was taken for the same"))
    }

    /// A caller is told that its change was made, or was not.
    ///
    /// # Errors
    /// I16, I21.
    pub fn told_written(&mut self, by: &str, made: bool) -> Checked {
        let stands = self.written.contains(by);
        if made {
            return check("I16", stands, || format!("{by} is told as made and is not in the log"));
        }
        self.not_written.insert(by.to_owned());
        check("I21", !stands, || format!("{by} is told as refused and is in the log"))
    }

    /// A caller is told that it cancelled an activation.
    ///
    /// # Errors
    /// I16.
    pub fn told_cancelled(&self, id: ActivationId) -> Checked {
        let how = self.ended.get(&id).and_then(|ended| ended.row.outcome.as_deref());
        check("I16", how == Some("cancelled"), || format!("{id} is told as cancelled, is {how:?}"))
    }

    /// A process says that an activation ended, to callers and to the index.
    ///
    /// # Errors
    /// I16 if it did not, I5 if it ended otherwise.
    pub fn told_ended(&self, ended: &Ended, terminal: Option<&Record>) -> Checked {
        let id = ended.row.id;
        let Some(known) = self.ended.get(&id) else {
            return Err(Broken { invariant: "I16", what: format!("{id} is told as ended") });
        };
        check("I5", **known == *ended, || format!("{id} is told to have ended otherwise"))?;
        let Some(terminal) = terminal else { return Ok(()) };
        let stands = self.entry(known.row.terminal).map(|entry| &*entry.record);
        check("I5", stands == Some(terminal), || format!("{id} is answered with other bytes"))
    }

    /// A row is in the index.
    ///
    /// # Errors
    /// I16, I14.
    pub fn indexed(&self, row: &Row) -> Checked {
        let Some(known) = self.ended.get(&row.id) else {
            return Err(Broken { invariant: "I16", what: format!("{} is in the index", row.id) });
        };
        check("I14", *known.row == *row, || format!("the row of {} is another", row.id))
    }

    /// An order to start goes to an invoker.
    ///
    /// # Errors
    /// I16.
    pub fn dispatched(&self, of: &Attempt) -> Checked {
        let assigned = self.was_assigned(of);
        check("I16", assigned, || format!("{of:?} is dispatched and was never assigned"))
    }

    fn was_assigned(&self, of: &Attempt) -> bool {
        self.known.get(&of.id).is_some_and(|known| known.tried.iter().any(|it| it.of == *of))
    }

    /// Code is started.
    ///
    /// # Errors
    /// I7, I6.
    pub fn started(&mut self, of: Attempt) -> Checked {
        check("I7", self.was_assigned(&of), || format!("{of:?} started, never assigned"))?;
        check("I6", self.starts.insert(of), || format!("{of:?} started twice"))?;
        let Some(known) = self.known.get_mut(&of.id) else { return Ok(()) };
        let starts = self.starts.range(first_of(of.id)..=last_of(of.id)).count();
        check("I6", starts <= known.limit(), || format!("{} started {starts} times", of.id))?;
        let barred = known.tried(&of).is_some_and(|it| it.given_back);
        check("I6", !barred, || format!("{of:?} started after it was given back unstarted"))
    }

    /// A request of an attempt reaches the outside.
    ///
    /// # Errors
    /// I24.
    pub fn left(&mut self, of: Attempt) -> Checked {
        let Some(known) = self.known.get_mut(&of.id) else {
            return Err(Broken { invariant: "I24", what: format!("{of:?} acts, is not known") });
        };
        let retry = known.retry.is_some();
        let allowed = known.tried(&of).is_some_and(|it| it.touched || !it.guarded);
        check("I24", allowed, || format!("a request of {of:?} left before its Touched"))?;
        let left = self.left.entry(of.id).or_default();
        left.insert(of);
        check("I24", retry || left.len() == 1, || format!("requests of {left:?} left"))
    }

    /// Attempts of one life of an invoker that were assigned, or given up, by the record at `at`.
    #[must_use]
    pub fn moved(&self, at: Offset, life: Incarnation) -> (Vec<Attempt>, Vec<Attempt>) {
        let (mut taken, mut freed) = (Vec::new(), Vec::new());
        let Some(Ok(change)) = self.entry(at).map(|entry| &entry.verdict) else {
            return (taken, freed);
        };
        for happened in &change.happened {
            match happened {
                Happened::Assigned(it) => taken.push(it.of),
                Happened::Returned { of, .. } | Happened::AttemptLost { of } => freed.push(*of),
                Happened::Ended(it) => freed.extend(it.was_assigned.map(|(of, _)| of)),
                _ => {}
            }
        }
        taken.retain(|of| of.incarnation == life);
        freed.retain(|of| of.incarnation == life);
        (taken, freed)
    }

    // --- snapshots and the end -------------------------------------------------------------

    /// Keeps the state of now, for a restart and for the comparison at the end.
    pub fn snapshot(&mut self) -> (Offset, Vec<u8>) {
        let bytes = self.ledger.snapshot();
        self.snapshots.push(bytes.clone());
        (self.ledger.applied(), bytes)
    }

    /// After quiescence: all that was accepted has ended, and every snapshot leads to the same state.
    ///
    /// # Errors
    /// I2, I12, I13.
    pub fn quiet(&self, under: impl Fn(Ledger) -> Ledger) -> Checked {
        let left = self.known.iter().find(|(_, known)| known.open);
        check("I2", left.is_none(), || format!("never ended: {left:?}"))?;
        self.count()?;
        for snapshot in &self.snapshots {
            let restored = Ledger::from_snapshot(snapshot);
            let Ok(restored) = restored else {
                return Err(Broken { invariant: "I13", what: format!("a snapshot: {restored:?}") });
            };
            let mut again = under(restored);
            let from = usize::try_from(again.applied().0).unwrap_or(usize::MAX);
            for (at, entry) in self.entries().skip(from) {
                let verdict = again.apply(at, &entry.record);
                check("I13", verdict == entry.verdict, || format!("another verdict at {at}"))?;
                check("I13", again.hash() == entry.hash, || format!("another state at {at}"))?;
            }
        }
        Ok(())
    }

    /// What an index must hold.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.ended.values().map(|ended| &*ended.row).filter(|row| row.stored)
    }
}

fn first_of(id: ActivationId) -> Attempt {
    let incarnation = Incarnation { counter: 0, random: 0 };
    Attempt { id, attempt: 0, invoker: model::id::InvokerId(0), incarnation }
}

fn last_of(id: ActivationId) -> Attempt {
    let incarnation = Incarnation { counter: u64::MAX, random: u64::MAX };
    Attempt { id, attempt: u32::MAX, invoker: model::id::InvokerId(u32::MAX), incarnation }
}

fn package_of(key: &EntityKey) -> Option<EntityKey> {
    let (package, _) = key.as_str().rsplit_once('/')?;
    (package.matches('/').count() == 2).then(|| EntityKey(package.into()))
}
