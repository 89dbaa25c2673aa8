//! Books about every activation, kept from records, verdicts and what these are said to have
//! changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ledger::fold::{Change, EndResult, Ended, Happened};
use ledger::record::{Accept, Attempt, Body, Payload, Record, Root, Started, Target};
use model::id::{ActivationId, Epoch, Offset};
use model::json::Json;
use model::outcome::{Class, Reason};
use model::time::WallTime;
use sha2::{Digest as _, Sha256};

use super::Invariant::{I2, I3, I4, I6, I7, I9, I18, I25};
use super::Report;
use crate::ledger_dump::{Dump, root};

/// Attempts of an action that is not declared retryable.
const ATTEMPTS: usize = 3;
/// What a verdict on a silent invoker may take, milliseconds.
const VERDICT_MS: u64 = 3_000;
/// What comes on top of all deadlines, milliseconds.
const GRACE_MS: u64 = 10_000;

/// What the ledger says of everything that was ever accepted.
#[derive(Debug, Default)]
pub struct Books {
    /// By id.
    pub lives: BTreeMap<ActivationId, Life>,
    /// Roots by the transaction that brought them.
    pub accepts: BTreeMap<String, Vec<ActivationId>>,
    trees: BTreeMap<ActivationId, Vec<ActivationId>>,
    epoch: Option<Epoch>,
    assigned: BTreeSet<Attempt>,
    longest_ms: u64,
}

/// One activation.
#[derive(Debug)]
pub struct Life {
    /// The outermost activation of its tree.
    pub root: ActivationId,
    /// What it runs.
    pub target: Target,
    /// The enclosing sequence and its place there.
    pub within: Option<(ActivationId, u32)>,
    /// Positions from the root.
    path: Vec<u32>,
    accepted: WallTime,
    queue_ms: u64,
    /// Its attempts in order.
    pub attempts: Vec<Tried>,
    now: Option<Attempt>,
    /// How often an attempt of it was cut.
    pub cuts: usize,
    /// Offsets of all valid records about it.
    pub records: Vec<Offset>,
    /// Its ends: one, if all is well.
    pub ends: Vec<End>,
}

/// One attempt.
#[derive(Clone, Copy, Debug)]
pub struct Tried {
    guarded: bool,
    touched: bool,
    given_back: bool,
}

/// An end with its result.
#[derive(Clone, Debug)]
pub struct End {
    /// What the fold says.
    pub ended: Arc<Ended>,
    /// The result, if it has one.
    pub result: Option<Json>,
    /// Length of the raw answer.
    pub size: Option<u64>,
    /// Log lines.
    pub lines: Vec<String>,
}

/// What must be born by a record.
struct Birth {
    id: ActivationId,
    target: Target,
    within: Option<(ActivationId, u32)>,
    path: Vec<u32>,
}

impl Life {
    /// Its one end.
    #[must_use]
    pub fn end(&self) -> Option<&End> {
        self.ends.first()
    }

    fn used(&self) -> usize {
        self.attempts.iter().filter(|it| !it.given_back).count()
    }

    fn limit(&self) -> usize {
        self.target.step().retry.map_or(ATTEMPTS, usize::from)
    }

    fn acted(&self) -> bool {
        self.attempts.iter().any(|it| it.touched || (!it.guarded && !it.given_back))
    }

    fn is_rerunnable(&self) -> bool {
        self.used() < self.limit() && (self.target.step().retry.is_some() || !self.acted())
    }

    /// The longest that it may take, milliseconds.
    fn bound_ms(&self) -> u64 {
        GRACE_MS + longest_ms(&self.target, self.queue_ms)
    }
}

fn longest_ms(target: &Target, queue_ms: u64) -> u64 {
    match target {
        Target::Action(step) => {
            let attempts = step.retry.map_or(ATTEMPTS, usize::from) as u64;
            queue_ms + attempts * (2 * step.limits.timeout.0 + VERDICT_MS)
        }
        Target::Sequence(it) => it.steps.iter().map(|step| longest_ms(step, queue_ms)).sum(),
    }
}

impl Books {
    /// Reads a ledger, and notes what it says about itself.
    #[must_use]
    pub fn read(dump: &Dump, report: &mut Report) -> Self {
        let mut books = Self::default();
        for (at, record, verdict) in &dump.records {
            books.invoker(*at, record, report);
            if let Ok(change) = verdict {
                books.owner(*at, record, report);
                books.see(*at, record, change, report);
            }
        }
        report.count("longest activation, ms", books.longest_ms);
        for (id, life) in &books.lives {
            report.holds(I2, life.ends.len() == 1, || {
                format!("{id} ended {} times", life.ends.len())
            });
        }
        books
    }

    /// An activation with all its steps.
    pub fn tree(&self, root: ActivationId) -> impl Iterator<Item = &Life> {
        let ids = self.trees.get(&root).map_or(&[][..], Vec::as_slice);
        ids.iter().filter_map(|id| self.lives.get(id))
    }

    /// Whatever an invoker writes, in force or not, is a sign that it started the attempt.
    fn invoker(&self, at: Offset, record: &Record, report: &mut Report) {
        let of = match &record.body {
            Body::Touched(of) => of,
            Body::Return(it) => &it.of,
            Body::Finish(it) => &it.of,
            _ => return,
        };
        report
            .holds(I7, self.assigned.contains(of), || format!("{of:?} at {at} was never assigned"));
    }

    fn owner(&mut self, at: Offset, record: &Record, report: &mut Report) {
        if let Body::Claim(it) = &record.body {
            let next = Epoch(self.epoch.map_or(0, |epoch| epoch.0) + 1);
            report.holds(I18, it.epoch == next, || format!("claim of {:?} at {at}", it.epoch));
            self.epoch = Some(it.epoch);
        }
        if let Some(stamp) = record.body.stamp() {
            report.holds(I18, Some(stamp.epoch) == self.epoch, || {
                format!("{} of {:?} at {at}, in {:?}", record.body.kind(), stamp.epoch, self.epoch)
            });
        }
    }

    fn see(&mut self, at: Offset, record: &Record, change: &Change, report: &mut Report) {
        let (births, ends) = self.expected(record);
        let born = change.happened.iter().filter_map(|it| match it {
            Happened::Born { id, .. } => Some(*id),
            _ => None,
        });
        let born: BTreeSet<ActivationId> = born.collect();
        let due: BTreeSet<ActivationId> = births.iter().map(|birth| birth.id).collect();
        if !due.is_empty() || !born.is_empty() || !ends.is_empty() {
            report.holds(I9, born == due, || format!("{born:?} born at {at}, due are {due:?}"));
        }
        let ended: BTreeSet<ActivationId> = change.ended().map(|ended| ended.row.id).collect();
        if let Some(ends) = &ends.split_first() {
            let due: BTreeSet<ActivationId> = ends.1.iter().copied().chain([*ends.0]).collect();
            report.holds(I9, ended == due, || format!("{ended:?} ended at {at}, due are {due:?}"));
        }
        if let Body::Accept(it) = &record.body {
            self.accepts.entry(it.by.transaction.clone()).or_default().push(root(it));
        }
        for birth in births {
            self.bear(record, birth);
        }
        for happened in &change.happened {
            self.happened(at, record, happened, report);
        }
        let about = about(&record.body).into_iter().chain(born).chain(ended);
        for id in about.collect::<BTreeSet<_>>() {
            if let Some(life) = self.lives.get_mut(&id) {
                life.records.push(at);
            }
        }
    }

    /// What a record must give birth to, and what it must end.
    fn expected(&self, record: &Record) -> (Vec<Birth>, Vec<ActivationId>) {
        let mut births = Vec::new();
        match &record.body {
            Body::Accept(it) => {
                if let Root::Invoke(birth) = &it.root {
                    begin(birth.id, birth.id, &birth.target, None, &[], &mut births);
                }
                (births, Vec::new())
            }
            Body::Finish(it) => {
                let ends = self.closes(it.of.id, it.class == Class::Success, &mut births);
                (births, ends)
            }
            Body::Expire(it) if self.lives.get(&it.id).is_some_and(Life::is_action) => {
                let ends = self.closes(it.id, false, &mut births);
                (births, ends)
            }
            _ => (births, Vec::new()),
        }
    }

    /// What ends with an action, itself first; what begins instead of further ends.
    fn closes(
        &self,
        id: ActivationId,
        success: bool,
        births: &mut Vec<Birth>,
    ) -> Vec<ActivationId> {
        let mut ends = vec![id];
        let mut within = self.lives.get(&id).and_then(|life| life.within);
        while let Some((around, position)) = within {
            let Some(life) = self.lives.get(&around).filter(|life| life.ends.is_empty()) else {
                break;
            };
            let Target::Sequence(sequence) = &life.target else { break };
            let next = position + 1;
            let step = usize::try_from(next).ok().and_then(|next| sequence.steps.get(next));
            if let (true, Some(step)) = (success, step) {
                let (child, path) = (child(life.root, &life.path, next), stepped(&life.path, next));
                begin(child, life.root, step, Some((around, next)), &path, births);
                break;
            }
            ends.push(around);
            within = life.within;
        }
        ends
    }

    fn bear(&mut self, record: &Record, birth: Birth) {
        let (root, accepted, queue_ms) = match &record.body {
            Body::Accept(it) => (birth_root(it, birth.id), record.at, queue_of(it)),
            _ => {
                let around = birth.within.and_then(|(around, _)| self.lives.get(&around));
                let Some(around) = around else { return };
                (around.root, around.accepted, around.queue_ms)
            }
        };
        let life = Life {
            root,
            target: birth.target,
            within: birth.within,
            path: birth.path,
            accepted,
            queue_ms,
            attempts: Vec::new(),
            now: None,
            cuts: 0,
            records: Vec::new(),
            ends: Vec::new(),
        };
        self.trees.entry(root).or_default().push(birth.id);
        self.lives.insert(birth.id, life);
    }

    fn happened(&mut self, at: Offset, record: &Record, it: &Happened, report: &mut Report) {
        match it {
            Happened::Assigned(it) => self.assign(at, record, &it.of, it.guarded, report),
            Happened::Touched { of, .. } => {
                let last = self.lives.get_mut(&of.id).and_then(|life| life.attempts.last_mut());
                last.into_iter().for_each(|tried| tried.touched = true);
            }
            Happened::Returned { of, started, .. } => {
                self.unassign(at, of, *started == Started::No, report);
            }
            Happened::AttemptLost { of } => {
                self.unassign(at, of, false, report);
                if let Some(life) = self.lives.get_mut(&of.id) {
                    life.cuts += 1;
                    // Had it been lost for good, this would have been wrong: what I25 is about.
                    report.holds(I25, true, String::new);
                }
            }
            Happened::Ended(ended) => self.end(at, record, ended, report),
            Happened::Claimed { .. }
            | Happened::Yielded { .. }
            | Happened::Wrote(_)
            | Happened::Accepted { .. }
            | Happened::Born { .. }
            | Happened::Purged { .. }
            | Happened::Archived { .. } => {}
        }
    }

    fn assign(
        &mut self,
        at: Offset,
        record: &Record,
        of: &Attempt,
        guarded: bool,
        report: &mut Report,
    ) {
        let first = self.assigned.insert(*of);
        report.holds(I6, first, || format!("{of:?} assigned again at {at}"));
        let life = self.lives.get_mut(&of.id).filter(|life| life.ends.is_empty());
        report.holds(I3, life.is_some(), || format!("{of:?} assigned at {at}, not open"));
        let Some(life) = life else { return };
        let said = match &record.body {
            Body::Assign(it) => it.id == of.id && it.attempt == of.attempt,
            Body::Accept(_) => of.attempt == 1,
            Body::Finish(it) => {
                let same = (it.of.invoker, it.of.incarnation) == (of.invoker, of.incarnation);
                it.offer && same && of.attempt == 1
            }
            _ => false,
        };
        report.holds(I3, said && life.now.is_none(), || {
            format!("{of:?} assigned at {at} by {}, beside {:?}", record.body.kind(), life.now)
        });
        let next = life.attempts.len() + 1 == usize::try_from(of.attempt).unwrap_or(0);
        let right = next && life.used() < life.limit();
        report.holds(I6, right, || format!("{of:?} at {at} is one too many"));
        let alone = life.target.step().retry.is_some() || !life.acted();
        report.holds(I6, alone, || format!("{of:?} at {at} comes behind one that acted"));
        life.now = Some(*of);
        life.attempts.push(Tried { guarded, touched: false, given_back: false });
    }

    fn unassign(&mut self, at: Offset, of: &Attempt, given_back: bool, report: &mut Report) {
        let life = self.lives.get_mut(&of.id);
        let right = life.as_ref().is_some_and(|life| life.now == Some(*of));
        report.holds(I3, right, || format!("{of:?} unassigned at {at}, not assigned"));
        let Some(life) = life else { return };
        life.now = None;
        if let Some(tried) = life.attempts.last_mut() {
            tried.given_back = given_back;
        }
    }

    fn end(&mut self, at: Offset, record: &Record, ended: &Arc<Ended>, report: &mut Report) {
        let id = ended.row.id;
        let life = self.lives.get_mut(&id);
        report.holds(I3, life.is_some(), || format!("{id} ended at {at}, never accepted"));
        let Some(life) = life else { return };
        match &record.body {
            Body::Finish(it) if it.of.id == id => {
                report.holds(I3, life.now == Some(it.of), || {
                    format!("{:?} counts at {at}, assigned is {:?}", it.of, life.now)
                });
            }
            Body::Expire(it) if it.id == id && it.reason == Reason::Lost => {
                report.holds(I25, !life.is_rerunnable(), || {
                    format!("{id} lost at {at} with {} attempts used", life.used())
                });
                life.cuts += 1;
            }
            _ => {}
        }
        let (took, bound) = (record.at.millis_since(life.accepted), life.bound_ms());
        report.holds(I4, took <= bound, || format!("{id} took {took} ms, allowed are {bound}"));
        self.longest_ms = self.longest_ms.max(took);
        life.now = None;
        life.ends.push(End::new(ended, record));
    }
}

impl Life {
    fn is_action(&self) -> bool {
        matches!(self.target, Target::Action(_))
    }
}

impl End {
    fn new(ended: &Arc<Ended>, record: &Record) -> Self {
        let mut end =
            Self { ended: Arc::clone(ended), result: None, size: None, lines: Vec::new() };
        match (&ended.result, &record.body) {
            (EndResult::Platform { text, .. }, _) => end.result = Some(Json::error(text)),
            (EndResult::Finish, Body::Finish(it)) => {
                if let Some(Payload::Inline(json)) = &it.result {
                    end.result = Some(json.clone());
                }
                end.size = it.size;
                if let (ledger::record::Logs::Inline(lines), true) =
                    (&it.logs, it.of.id == ended.row.id)
                {
                    end.lines = lines.iter().map(shown).collect();
                }
            }
            (EndResult::Fire, Body::Accept(it)) => {
                if let Payload::Inline(json) = &it.payload {
                    end.result = Some(json.clone());
                }
            }
            (EndResult::Finish | EndResult::Fire, _) => {}
        }
        end
    }

    /// Its record as it must be served; with the log lines, or as blocking callers are told.
    #[must_use]
    pub fn record(&self, with_logs: bool) -> String {
        let lines: &[String] = if with_logs { &self.lines } else { &[] };
        let bytes =
            api::activation::record(&self.ended.row, self.result.as_ref(), self.size, lines);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

fn shown(line: &ledger::record::LogLine) -> String {
    let stream = match line.stream {
        ledger::record::Stream::Stdout => api::activation::Stream::Stdout,
        ledger::record::Stream::Stderr => api::activation::Stream::Stderr,
    };
    api::activation::log_line(line.at_ns, stream, &line.text)
}

/// The activation that a record names.
fn about(body: &Body) -> Option<ActivationId> {
    match body {
        Body::Assign(it) => Some(it.id),
        Body::Touched(of) => Some(of.id),
        Body::Return(it) => Some(it.of.id),
        Body::AttemptLost(it) => Some(it.id),
        Body::Finish(it) => Some(it.of.id),
        Body::Expire(it) => Some(it.id),
        Body::Claim(_)
        | Body::Beat(_)
        | Body::Yield(_)
        | Body::Write(_)
        | Body::Accept(_)
        | Body::Purge(_)
        | Body::Archived(_) => None,
    }
}

fn birth_root(accept: &Accept, born: ActivationId) -> ActivationId {
    match &accept.root {
        Root::Invoke(birth) => birth.id,
        Root::Fire(_) => born,
    }
}

fn queue_of(accept: &Accept) -> u64 {
    match &accept.root {
        Root::Invoke(birth) => birth.queue.0,
        Root::Fire(_) => 0,
    }
}

/// A target begins: itself, and if it is a sequence its first step with it.
fn begin(
    id: ActivationId,
    root: ActivationId,
    target: &Target,
    within: Option<(ActivationId, u32)>,
    path: &[u32],
    births: &mut Vec<Birth>,
) {
    births.push(Birth { id, target: target.clone(), within, path: path.to_owned() });
    if let Target::Sequence(sequence) = target
        && let Some(first) = sequence.steps.first()
    {
        begin(child(root, path, 0), root, first, Some((id, 0)), &stepped(path, 0), births);
    }
}

fn stepped(path: &[u32], position: u32) -> Vec<u32> {
    path.iter().copied().chain([position]).collect()
}

/// The id of a step, derived here once more: SHA-256 of root, path and position, in the root's shard.
fn child(root: ActivationId, path: &[u32], position: u32) -> ActivationId {
    let mut hash = Sha256::new();
    hash.update(root.as_bytes());
    path.iter().chain([&position]).for_each(|part| hash.update(part.to_be_bytes()));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    bytes[0] = root.as_bytes()[0];
    bytes[1] = (root.as_bytes()[1] & 0xf0) | (bytes[1] & 0x0f);
    ActivationId::from_bytes(bytes)
}
