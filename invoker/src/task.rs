//! Performs what [`crate::step`] decides: starts and stops sandboxes, appends, lets requests out.
//!
//! There is no task to wake: an event is fed by whoever has it (the owner's task, the thread of a
//! sandbox that ended), under one lock that is held for the step and its effects, because a
//! hand-over to a sleeping core costs more than the whole step (`speed.md` §2.1). Effects never
//! wait.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use ledger::record::{Attempt, Body};
use model::id::{Incarnation, InvokerId};
use model::time::Moment;
use tokio::sync::oneshot;

use crate::driver::{Closed, Driver, Ended, Outcome, Stop, WayOut};
use crate::run::{self, Input, Spool};
use crate::step::{Effect, End, Event, Machine, Order, Verdict};

/// Where records of the invoker go. `Ok` means that it was handed to the log, no more.
pub trait Outlet: Send + Sync {
    /// Appends a record.
    ///
    /// # Errors
    /// A text for the operator: it is not in the log and never will be.
    fn append(&self, body: Body) -> Result<(), String>;
}

/// What one process needs to run attempts.
pub struct Parts {
    /// Its number.
    pub invoker: InvokerId,
    /// This life.
    pub incarnation: Incarnation,
    /// Which driver runs a kind.
    pub drivers: Vec<(String, Arc<dyn Driver>)>,
    /// Where records go.
    pub outlet: Arc<dyn Outlet>,
    /// Where large results go.
    pub spool: Arc<dyn Spool>,
    /// The monotonic clock.
    pub now: Arc<dyn Fn() -> Moment + Send + Sync>,
    /// Runs what has to wait for the spool.
    pub runtime: tokio::runtime::Handle,
}

/// The invoker of this process; cheap to clone.
#[derive(Clone)]
pub struct Invoker(Arc<Shared>);

struct Shared {
    parts: Parts,
    inner: Mutex<Inner>,
}

struct Inner {
    machine: Machine,
    inputs: HashMap<Attempt, Input>,
    sandboxes: HashMap<Attempt, Stop>,
    waiting: HashMap<u64, oneshot::Sender<bool>>,
    next_waiting: u64,
    effects: Vec<Effect>,
}

impl Invoker {
    /// An invoker that runs nothing yet.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let machine = Machine::new(parts.invoker, parts.incarnation);
        let inner = Inner {
            machine,
            inputs: HashMap::new(),
            sandboxes: HashMap::new(),
            waiting: HashMap::new(),
            next_waiting: 0,
            effects: Vec::new(),
        };
        Self(Arc::new(Shared { parts, inner: Mutex::new(inner) }))
    }

    /// The owner says that an attempt may be started here.
    pub fn run(&self, order: Order, input: Input) {
        let of = order.of;
        let mut inner = self.0.lock();
        inner.inputs.insert(of, input);
        self.0.feed(&mut inner, Event::Run(order));
        // Not started: it had come before, or may not start.
        inner.inputs.remove(&of);
    }

    /// What became of something that was written, or of an attempt.
    pub fn verdict(&self, of: Attempt, verdict: Verdict) {
        self.0.event(Event::Verdict(of, verdict));
    }

    /// Nothing new is started from now on.
    pub fn drain(&self) {
        self.0.event(Event::Drain);
    }

    /// Gives back, and stops, whatever still runs.
    pub fn abandon(&self) {
        self.0.event(Event::Abandon);
    }

    /// Attempts in a sandbox, or ended without a verdict yet.
    #[must_use]
    pub fn in_hand(&self) -> usize {
        self.0.lock().machine.in_hand()
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn event(self: &Arc<Self>, event: Event) {
        let mut inner = self.lock();
        self.feed(&mut inner, event);
    }

    fn feed(self: &Arc<Self>, inner: &mut Inner, event: Event) {
        let mut effects = std::mem::take(&mut inner.effects);
        inner.machine.step((self.parts.now)(), event, &mut effects);
        for effect in effects.drain(..) {
            self.perform(inner, effect);
        }
        inner.effects = effects;
    }

    fn perform(self: &Arc<Self>, inner: &mut Inner, effect: Effect) {
        match effect {
            Effect::Start(of) => self.start(inner, of),
            Effect::Stop(of) => {
                if let Some(stop) = inner.sandboxes.get(&of) {
                    stop.stop();
                }
            }
            Effect::Append(body) => {
                if let Err(cause) = self.parts.outlet.append(body) {
                    // The owner settles the attempt by its deadline, or at the next start.
                    tracing::error!(cause, "the end of an attempt could not be written");
                }
            }
            Effect::Let(who, leave) => {
                if let Some(waiting) = inner.waiting.remove(&who) {
                    // Whoever asked may be gone: then nothing leaves.
                    let _gone = waiting.send(leave);
                }
            }
            Effect::Forget(of) => {
                inner.sandboxes.remove(&of);
                inner.inputs.remove(&of);
            }
        }
    }

    fn start(self: &Arc<Self>, inner: &mut Inner, of: Attempt) {
        let Some(input) = inner.inputs.remove(&of) else { return };
        tracing::trace!(activation_id = %of.id, "may start");
        let driver = self.parts.drivers.iter().find(|(kind, _)| *kind == input.kind);
        let Some((_, driver)) = driver else {
            self.later(Event::Ended(of, End::NotStarted(ledger::record::ReturnReason::Provision)));
            return;
        };
        let job = run::job(of, input, self.way_out(of));
        let me = Arc::downgrade(self);
        let stop = driver.run(job, Box::new(move |ended| Self::ended(&me, of, ended)));
        inner.sandboxes.insert(of, stop);
    }

    /// Feeds an event that came up inside a step, behind it.
    fn later(self: &Arc<Self>, event: Event) {
        let me = Arc::clone(self);
        self.parts.runtime.spawn(async move { me.event(event) });
    }

    /// Called by the driver, on a thread of its own, when a sandbox has ended.
    fn ended(me: &Weak<Self>, of: Attempt, ended: Ended) {
        let Some(me) = me.upgrade() else { return };
        tracing::trace!(activation_id = %of.id, "its sandbox ended");
        if !run::is_large(&ended) || ended.outcome == Outcome::Stopped {
            me.event(Event::Ended(of, run::end(of, &ended)));
            return;
        }
        let runtime = me.parts.runtime.clone();
        runtime.spawn(async move {
            let end = run::end_spooled(of, ended, me.parts.spool.as_ref()).await;
            me.event(Event::Ended(of, end));
        });
    }

    fn way_out(self: &Arc<Self>, of: Attempt) -> WayOut {
        let me = Arc::downgrade(self);
        WayOut(Arc::new(move || {
            let asked = me.upgrade().map(|me| me.ask(of));
            Box::pin(async move {
                let leave = asked.ok_or(Closed)?.await.map_err(|_| Closed)?;
                if leave { Ok(()) } else { Err(Closed) }
            })
        }))
    }

    fn ask(self: &Arc<Self>, of: Attempt) -> oneshot::Receiver<bool> {
        let (tell, told) = oneshot::channel();
        let mut inner = self.lock();
        let who = inner.next_waiting;
        inner.next_waiting += 1;
        inner.waiting.insert(who, tell);
        self.feed(&mut inner, Event::WantsOut(of, who));
        told
    }
}
