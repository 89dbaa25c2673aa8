//! A world in small that writes records: owners that are superseded and write on, requests that are
//! sent again and delayed, invokers that speak of attempts long gone, entities that change meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use ledger::fold::{Happened, Ledger, Open};
use ledger::record::*;
use model::id::{ActivationId, Digest, Epoch, Incarnation, InvokerId, NodeId, Offset, Shard};
use model::json::Json;
use model::limits::ActionLimits;
use model::outcome::{Class, Reason};
use model::time::{Millis, WallTime};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use super::checker::{Broken, Checker, rule, rules_of};
use super::words::{caller, key_of};

/// How long keys live here; a record is a tick.
const WINDOW: u64 = 40;

pub struct World {
    rng: ChaCha8Rng,
    pub ledger: Ledger,
    pub log: Vec<(Offset, Record)>,
    /// How often each kind of record met each verdict.
    pub verdicts: BTreeMap<(&'static str, &'static str), u64>,
    checker: Checker,
    at: u64,
    nodes: u64,
    /// Owners of all epochs: they sign as if nothing had happened.
    owners: Vec<Stamp>,
    /// Decided on a state that may be gone when they are signed.
    drafts: Vec<Body>,
    /// Signed, on their way, perhaps for the second time.
    sent: Vec<Body>,
    /// Every attempt that was ever assigned.
    attempts: Vec<Attempt>,
    keys: Vec<(Digest, Digest)>,
}

impl World {
    pub fn new(seed: u64, ledger: Ledger) -> Self {
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            ledger,
            log: Vec::new(),
            verdicts: BTreeMap::new(),
            checker: Checker::default(),
            at: 0,
            nodes: 0,
            owners: Vec::new(),
            drafts: Vec::new(),
            sent: Vec::new(),
            attempts: Vec::new(),
            keys: Vec::new(),
        }
    }

    /// Writes so many records, then ends all that is open.
    pub fn run(&mut self, records: u64) -> Result<(), Broken> {
        while self.at < records {
            self.next()?;
            if self.at.is_multiple_of(16) {
                self.checker.count(&self.ledger)?;
            }
        }
        self.quiesce()
    }

    fn quiesce(&mut self) -> Result<(), Broken> {
        for _ in 0..10_000 {
            if self.ledger.owner().node.is_none() {
                self.claim(true)?;
                continue;
            }
            let Some(open) = self.ledger.open_activations().into_iter().next() else { break };
            let (id, attempt, reason) = (open.id, open.last_attempt(), Reason::Cancelled);
            let stamp = self.sign(false);
            self.put(Body::Expire(Expire { stamp, id, attempt, reason }))?;
        }
        self.checker.count(&self.ledger)?;
        self.checker.quiet()
    }

    fn below(&mut self, n: u64) -> u64 {
        self.rng.next_u64() % n
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        if from.is_empty() {
            None
        } else {
            Some(from[self.below(from.len() as u64) as usize].clone())
        }
    }

    fn next(&mut self) -> Result<(), Broken> {
        if self.ledger.owner().node.is_none() && self.chance(70) {
            return self.claim(true);
        }
        match self.below(100) {
            0..2 => {
                let live = self.chance(30);
                self.claim(live)
            }
            2 => {
                let stamp = self.sign(true);
                let to = NodeId(self.nodes + 1);
                self.put(Body::Yield(Yield { stamp, to }))
            }
            3..11 => match self.below(self.sent.len() as u64 + 1) as usize {
                n if n < self.sent.len() => {
                    let body = self.sent[n].clone();
                    if self.chance(50) {
                        self.sent.swap_remove(n);
                    }
                    self.put(body)
                }
                _ => self.beat(),
            },
            11..23 => match self.below(self.drafts.len() as u64 + 1) as usize {
                n if n < self.drafts.len() => {
                    let draft = self.drafts.swap_remove(n);
                    self.propose(draft)
                }
                _ => self.beat(),
            },
            23..38 => {
                let write = self.write();
                self.draft_or_propose(write)
            }
            38..52 => {
                let accept = self.accept();
                self.draft_or_propose(accept)
            }
            52..56 => {
                let fire = self.fire();
                self.draft_or_propose(fire)
            }
            56..68 => {
                let assign = self.assign();
                self.draft_or_propose(assign)
            }
            68..88 => self.by_invoker(),
            88..96 => {
                let end = self.end();
                self.draft_or_propose(end)
            }
            96..98 => self.purge(),
            _ => {
                let gap = u64::from(self.chance(10));
                let first = Offset(self.ledger.archived().next().0 + gap);
                let last = if self.chance(10) { first.previous() } else { Offset(self.at) };
                let stamp = self.sign(true);
                self.put(Body::Archived(Archived { stamp, first, last, blob: Digest([0; 32]) }))
            }
        }
    }

    fn put(&mut self, body: Body) -> Result<(), Broken> {
        self.at += 1;
        let at = Offset(self.at);
        let record = Record { at: WallTime(self.at as i64 * 10), body };
        let verdict = self.ledger.apply(at, &record);
        let word = verdict.as_ref().map_or_else(|void| void.word(), |_| "valid");
        *self.verdicts.entry((record.body.kind(), word)).or_default() += 1;
        let seen = self.checker.see(at, &record, &verdict, &self.ledger);
        for happened in verdict.iter().flat_map(|change| &change.happened) {
            match happened {
                Happened::Assigned(it) => self.attempts.push(it.of),
                Happened::Claimed { epoch, node } => {
                    self.owners.push(Stamp { epoch: *epoch, node: *node, seq: 0 });
                }
                _ => {}
            }
        }
        self.log.push((at, record));
        seen
    }

    fn claim(&mut self, live: bool) -> Result<(), Broken> {
        let owner = self.ledger.owner();
        let epoch = Epoch(owner.epoch.0 + 1);
        let node = owner.yielded_to.unwrap_or(NodeId(self.nodes + 1));
        self.nodes += 1;
        let lag = if live { 0 } else { self.below(6) };
        let base = Offset(self.at.saturating_sub(lag));
        let claim = Claim { epoch, node, base, fold_version: 1 };
        if self.chance(10) {
            self.sent.push(Body::Claim(claim));
        }
        self.put(Body::Claim(claim))
    }

    fn beat(&mut self) -> Result<(), Broken> {
        let stamp = self.sign(true);
        self.put(Body::Beat(stamp))
    }

    /// The next signature of the owner, at times of a former one.
    fn sign(&mut self, zombies: bool) -> Stamp {
        let former = zombies && self.chance(6);
        let count = self.owners.len() as u64;
        let n = if former && count > 0 { self.below(count) } else { count.saturating_sub(1) };
        match self.owners.get_mut(n as usize) {
            Some(owner) => {
                owner.seq += 1;
                *owner
            }
            None => Stamp { epoch: Epoch(1), node: NodeId(1), seq: 1 },
        }
    }

    fn propose(&mut self, mut body: Body) -> Result<(), Broken> {
        let signature = self.sign(true);
        if let Some(stamp) = body.stamp_mut() {
            *stamp = signature;
        }
        match self.below(100) {
            0..8 => {
                self.sent.push(body);
                Ok(())
            }
            8..20 => {
                self.sent.push(body.clone());
                self.put(body)
            }
            _ => self.put(body),
        }
    }

    fn draft_or_propose(&mut self, body: Option<Body>) -> Result<(), Broken> {
        match body {
            Some(body) if self.chance(35) => {
                self.drafts.push(body);
                Ok(())
            }
            Some(body) => self.propose(body),
            None => self.beat(),
        }
    }

    /// A request as its handler would decide it on the state of now.
    fn write(&mut self) -> Option<Body> {
        let name = self.pick(&["a", "b", "t", "r", "q", "p", "p/a", "p/b"])?;
        let key = key_of(name);
        let entity = self.ledger.entity(&key).cloned();
        let mut expect = vec![Expect {
            key: key.clone(),
            mark: entity.as_ref().map_or(Mark::Absent, |it| Mark::Revision(it.revision)),
        }];
        let mut ops = Vec::new();
        let delete = entity.is_some() && self.chance(35);
        let mut text = name.to_owned();
        if name.starts_with("p/") {
            let package = self.ledger.entity(&key_of("p"))?;
            expect.push(Expect { key: key_of("p"), mark: Mark::Born(package.born) });
            ops.push(Op::Touch(key_of("p")));
        }
        if name == "p" && delete {
            if self.ledger.entities_under("n/guest/p/").next().is_some() {
                return None;
            }
            let contents = entity.as_ref()?.contents;
            expect.push(Expect { key: key.clone(), mark: Mark::Contents(contents) });
        }
        if name == "r" || name == "q" {
            ops.push(Op::Touch(key_of("t")));
            if !delete {
                let action = self.pick(&["a", "b"])?;
                text = format!("rule on t for {action}");
                for needed in ["t", action] {
                    let born = self.ledger.entity(&key_of(needed))?.born;
                    expect.push(Expect { key: key_of(needed), mark: Mark::Born(born) });
                }
            }
        }
        ops.push(if delete {
            Op::Delete(key)
        } else {
            Op::Put { key, document: Document::Inline(Bytes::from(text)), blobs: Vec::new() }
        });
        Some(Body::Write(Write { stamp: unsigned(), ops, expect, by: String::new() }))
    }

    fn new_id(&mut self) -> ActivationId {
        let mut bytes = [0; 16];
        self.rng.fill_bytes(&mut bytes);
        ActivationId::new(Shard::new(5), bytes)
    }

    fn target(&mut self) -> Option<Target> {
        if self.chance(75) {
            return self.action().map(Target::Action);
        }
        let mut steps = vec![Target::Action(self.action()?)];
        for _ in 0..self.below(3) {
            steps.push(if self.chance(20) {
                self.target()?
            } else {
                Target::Action(self.action()?)
            });
        }
        let mut step = Step::clone(&*self.action()?);
        step.kind = "sequence".to_owned();
        Some(Target::Sequence(Arc::new(Sequence { step, steps, deadline: None })))
    }

    fn action(&mut self) -> Option<Arc<Step>> {
        let name = self.pick(&["a", "b", "p/a"])?;
        let entity = self.ledger.entity(&key_of(name))?;
        let (born, revision) = (entity.born, entity.revision);
        let retry = if self.chance(25) { Some(2 + self.below(3) as u8) } else { None };
        Some(Arc::new(Step {
            action: Pin { key: key_of(name), revision },
            born,
            beneath: Vec::new(),
            path: format!("guest/{name}"),
            binding: None,
            version: "0.0.1".to_owned(),
            kind: "nodejs:20".to_owned(),
            limits: ActionLimits::default(),
            retry,
            guarded: self.chance(60),
        }))
    }

    fn birth(&mut self) -> Option<Birth> {
        let target = self.target()?;
        let guarded = target.first_action()?.guarded;
        let assign = if self.chance(50) { Some(self.place(guarded)) } else { None };
        Some(Birth { id: self.new_id(), target, queue: Millis(1000), assign })
    }

    fn place(&mut self, guarded: bool) -> Place {
        Place {
            invoker: InvokerId(self.below(2) as u32),
            incarnation: Incarnation { counter: 1 + self.below(2), random: 0 },
            guarded,
        }
    }

    fn accept(&mut self) -> Option<Body> {
        let key = if self.chance(40) { Some(self.key()) } else { None };
        let fire = match self.below(10) {
            0 => Some(FireKey::Schedule {
                trigger: key_of("t"),
                generation: 1 + self.below(2),
                time: (self.at / 8 + self.below(6)) as i64,
                max: if self.chance(50) { Some(3) } else { None },
            }),
            1 => Some(FireKey::Source {
                feed: key_of("f"),
                generation: 1,
                partition: 0,
                offset: self.at / 25 + self.below(3),
                skip_gap: false,
            }),
            _ => None,
        };
        let root = Root::Invoke(self.birth()?);
        Some(accepted(root, key, fire, Vec::new()))
    }

    /// A request enters: a new one, or one that was sent before.
    fn key(&mut self) -> KeyUse {
        let known = self.keys.clone();
        let (key, request) = match self.pick(&known) {
            Some(known) if self.chance(70) => known,
            _ => {
                let new = (Digest([self.at as u8; 32]), Digest([1; 32]));
                self.keys.push(new);
                new
            }
        };
        let request = if self.chance(10) { Digest([2; 32]) } else { request };
        let since = Offset(self.at); // what was known here when it entered
        KeyUse { class: KeyClass::Client, window: Millis(WINDOW), key, request, since }
    }

    fn fire(&mut self) -> Option<Body> {
        let trigger = self.ledger.entity(&key_of("t"))?;
        let expect = vec![
            Expect { key: key_of("t"), mark: Mark::Revision(trigger.revision) },
            Expect { key: key_of("t"), mark: Mark::Contents(trigger.contents) },
        ];
        let entities =
            || self.ledger.entities_under("n/guest/").map(|(key, it)| (key, &it.document));
        let named: Vec<(String, String)> = rules_of("t", entities())
            .into_iter()
            .filter_map(|name| {
                let document = &self.ledger.entity(&EntityKey(name.as_str().into()))?.document;
                Some((name, rule(document)?.1))
            })
            .collect();
        let mut fire = Fire {
            id: self.new_id(),
            name: "t".to_owned(),
            version: "0.0.1".to_owned(),
            beneath: Payload::Inline(Json::empty_object()),
            rules: Vec::new(),
        };
        for (name, action) in named {
            let there = self.ledger.entity(&key_of(&action)).is_some();
            let refused = Came::Refused { class: Class::ApplicationError, text: String::new() };
            let came = self.birth().filter(|_| there).map_or(refused, Came::Started);
            fire.rules.push(Ruled { rule: name, action, came });
        }
        let first = fire.births().next().map(|birth| birth.id);
        if self.chance(5)
            && let (Some(first), Some(Ruled { came: Came::Started(last), .. })) =
                (first, fire.rules.last_mut())
        {
            last.id = first;
        }
        Some(accepted(Root::Fire(fire), None, None, expect))
    }

    fn some_open(&mut self, wanted: impl Fn(&Open) -> bool) -> Option<Open> {
        let open: Vec<Open> =
            self.ledger.open_activations().into_iter().filter(|it| wanted(it)).cloned().collect();
        self.pick(&open)
    }

    fn assign(&mut self) -> Option<Body> {
        let open = self.some_open(Open::is_waiting)?;
        let place = self.place(open.step().guarded);
        let attempt = open.last_attempt() + 1;
        Some(Body::Assign(Assign { stamp: unsigned(), id: open.id, attempt, place }))
    }

    fn by_invoker(&mut self) -> Result<(), Broken> {
        let recent = self.attempts.len().saturating_sub(12);
        let latest =
            if self.chance(75) { self.attempts[recent..].to_vec() } else { self.attempts.clone() };
        let Some(mut of) = self.pick(&latest) else { return self.beat() };
        match self.below(40) {
            0 => of.attempt += 1,
            1 => of.incarnation.counter += 1,
            2 => of.invoker.0 += 1,
            _ => {}
        }
        let started = if self.chance(50) { Started::No } else { Started::Maybe };
        let body = match self.below(10) {
            0..3 => Body::Touched(of),
            3..6 => Body::Return(Return { of, started, why: ReturnReason::Stopping }),
            _ => {
                let failed = self.chance(20);
                let offer = self.chance(60);
                Body::Finish(Box::new(finish(of, failed, offer)))
            }
        };
        self.put(body)
    }

    fn end(&mut self) -> Option<Body> {
        let stamp = unsigned();
        if self.chance(60) {
            let open = self.some_open(|open| open.assignment().is_some())?;
            let (id, attempt) = (open.id, open.last_attempt());
            return Some(if self.chance(50) {
                Body::AttemptLost(AttemptLost { stamp, id, attempt })
            } else {
                Body::Expire(Expire { stamp, id, attempt, reason: Reason::Lost })
            });
        }
        let open = self.some_open(|_| true)?;
        let reason = self.pick(&[
            Reason::Missing,
            Reason::QueueTimeout(1),
            Reason::NoCapacity,
            Reason::Cancelled,
            Reason::Timeout(1),
        ])?;
        let (id, attempt) = (open.id, open.last_attempt());
        Some(Body::Expire(Expire { stamp, id, attempt, reason }))
    }

    /// As `exactly-once.md` §4 tells the owner: the floor is behind a record of its own that it sent
    /// after the windows of all keys that go had ended.
    fn purge(&mut self) -> Result<(), Broken> {
        let heard = self.ledger.owner().heard;
        let gone = self
            .ledger
            .keys_by_age(KeyClass::Client, Millis(WINDOW))
            .map(|(at, _)| at)
            .take_while(|at| at.0 + WINDOW <= heard.0)
            .last();
        let stamp = self.sign(false);
        let windows = gone
            .map(|last| PurgeWindow {
                class: KeyClass::Client,
                window: Millis(WINDOW),
                before: last.next(),
                floor: heard.next(),
            })
            .into_iter()
            .collect();
        let dead = if self.chance(5) { vec![(key_of("none"), 1)] } else { Vec::new() };
        self.put(Body::Purge(Purge { stamp, windows, dead }))
    }
}

fn unsigned() -> Stamp {
    Stamp { epoch: Epoch(0), node: NodeId(0), seq: 0 }
}

fn accepted(root: Root, key: Option<KeyUse>, fire: Option<FireKey>, expect: Vec<Expect>) -> Body {
    Body::Accept(Box::new(Accept {
        stamp: unsigned(),
        by: caller(),
        cause: Cause::Invoke,
        received: WallTime(0),
        root,
        payload: Payload::Inline(Json::empty_object()),
        key,
        fire,
        expect,
    }))
}

pub fn finish(of: Attempt, failed: bool, offer: bool) -> Finish {
    Finish {
        of,
        class: if failed { Class::ApplicationError } else { Class::Success },
        result: None,
        array: false,
        size: None,
        start: WallTime(1),
        end: WallTime(2),
        duration_us: 1_000,
        init_us: None,
        timeout: false,
        state: StartState::Warmed,
        started_from: None,
        logs: Logs::Lost,
        offer,
    }
}
