//! The invoker's decisions: the right to start, the seen-set, what is written about an end.
//!
//! Pure: no clock, task, channel or chance. Source: `exactly-once.md` §7.

use std::collections::BTreeMap;

use ledger::record::{Attempt, Body, Finish, Return, ReturnReason, Started};
use model::id::{ActivationId, Epoch, Incarnation, InvokerId, Offset};
use model::time::Moment;

/// What an invoker knows and has promised.
#[derive(Debug)]
pub struct Machine {
    invoker: InvokerId,
    incarnation: Incarnation,
    /// `(epoch, dseq)` of the last `Run` taken.
    last_run: (Epoch, u64),
    /// Attempts whose `Run` was taken, until a verdict proves them over.
    seen: BTreeMap<ActivationId, u32>,
    running: BTreeMap<Attempt, Running>,
    draining: bool,
    /// For a test that must notice: nothing is remembered (M5).
    #[cfg(debug_assertions)]
    forgetful: bool,
}

/// What a `Run` says of the right to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The attempt that is assigned.
    pub of: Attempt,
    /// Epoch of the owner that sends it.
    pub epoch: Epoch,
    /// Rises with every message of that owner.
    pub dseq: u64,
    /// The owner's applied offset when it was sent.
    pub pos: Offset,
    /// Too late to start behind this.
    pub start_before: Option<Moment>,
    /// Whether another attempt may follow this one if it is given back as `maybe`.
    pub rerunnable: bool,
    /// Whether the assignment is for a sandbox without a way out of its own.
    pub guarded: bool,
    /// Whether the attempt is known to have been let out already.
    pub touched: bool,
}

#[derive(Debug)]
struct Running {
    state: State,
    out: Out,
    rerunnable: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In its sandbox.
    Runs,
    /// Its end is written; the verdict is not here yet.
    Ends,
    /// Not wanted any more; its sandbox is being stopped.
    Dropped,
}

/// Whether the attempt may act on the outside.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Out {
    /// Never asked.
    Shut,
    /// `Touched` is written; these wait for its verdict, and so may the end.
    Asked { waiting: Vec<u64>, end: Option<Box<End>> },
    /// `Touched` was applied as valid.
    Open,
}

/// How an attempt ended in its sandbox, ready to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// With an outcome.
    Finished(Box<Finish>),
    /// It never started.
    NotStarted(ReturnReason),
    /// It ran and cannot go on here; if no other attempt may follow, this is how it ends.
    GaveUp(ReturnReason, Box<Finish>),
    /// It was stopped because we asked for it.
    Stopped,
}

/// What became of something that this invoker wrote, or of an attempt that it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its `Finish` or `Return` was applied, valid or void: the attempt is over.
    Over,
    /// Its `Return(maybe)` was void: the attempt is still assigned here.
    StillAssigned,
    /// Its `Touched` was applied as valid.
    Touched,
    /// Its `Touched` was void: the attempt was given away.
    NotTouched,
    /// The owner ended or gave away the attempt.
    Aborted,
}

/// What happens to an invoker.
#[derive(Debug)]
pub enum Event {
    /// The owner says that an attempt may be started here.
    Run(Order),
    /// A sandbox ended.
    Ended(Attempt, End),
    /// A guarded sandbox wants its first request to leave; the number names who waits.
    WantsOut(Attempt, u64),
    /// Something was read back from the log.
    Verdict(Attempt, Verdict),
    /// The process stops: nothing new is started.
    Drain,
    /// The grace is over: what still runs is given back as far as it may be.
    Abandon,
}

/// What an invoker wants done.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    /// Start the attempt in a sandbox.
    Start(Attempt),
    /// Stop the sandbox of an attempt.
    Stop(Attempt),
    /// Append to the log.
    Append(Body),
    /// Tell a sandbox that waits whether its request may leave.
    Let(u64, bool),
    /// Nothing of this attempt is needed here any more.
    Forget(Attempt),
}

impl Machine {
    /// An invoker at the beginning of one life.
    #[must_use]
    pub fn new(invoker: InvokerId, incarnation: Incarnation) -> Self {
        Self {
            invoker,
            incarnation,
            last_run: (Epoch::default(), 0),
            seen: BTreeMap::new(),
            running: BTreeMap::new(),
            draining: false,
            #[cfg(debug_assertions)]
            forgetful: false,
        }
    }

    /// The same without its seen-set: for tests that must notice.
    #[cfg(debug_assertions)]
    #[must_use]
    pub fn without_seen_set(mut self) -> Self {
        self.forgetful = true;
        self
    }

    /// Attempts in a sandbox, or ended without a verdict yet.
    #[must_use]
    pub fn in_hand(&self) -> usize {
        self.running.len()
    }

    /// Attempts remembered so that none is started twice.
    #[must_use]
    pub fn seen(&self) -> usize {
        self.seen.len()
    }

    /// One event; what is to be done goes to `out`, in order.
    pub fn step(&mut self, now: Moment, event: Event, out: &mut Vec<Effect>) {
        match event {
            Event::Run(order) => self.run(now, &order, out),
            Event::Ended(of, end) => self.ended(of, end, out),
            Event::WantsOut(of, who) => self.wants_out(of, who, out),
            Event::Verdict(of, verdict) => self.verdict(of, verdict, out),
            Event::Drain => self.draining = true,
            Event::Abandon => self.abandon(out),
        }
    }

    /// The right to start: every line of `exactly-once.md` §7 that one process has.
    fn run(&mut self, now: Moment, order: &Order, out: &mut Vec<Effect>) {
        let of = order.of;
        let mine = of.invoker == self.invoker && of.incarnation == self.incarnation;
        let newer = (order.epoch, order.dseq) > self.last_run;
        if !mine || !newer {
            return;
        }
        self.last_run = (order.epoch, order.dseq);
        if self.seen.get(&of.id).is_some_and(|seen| *seen >= of.attempt) {
            return;
        }
        self.seen.insert(of.id, of.attempt);
        #[cfg(debug_assertions)]
        if self.forgetful {
            self.seen.clear();
        }
        // A former attempt of the same activation is stopped before the next one starts.
        let former: Vec<Attempt> = self.running.keys().filter(|a| a.id == of.id).copied().collect();
        for attempt in former {
            self.drop_attempt(attempt, out);
        }
        let late = order.start_before.is_some_and(|limit| now > limit);
        if self.draining || late {
            let why = if late { ReturnReason::NotAllowed } else { ReturnReason::Stopping };
            out.push(Effect::Append(returned(of, Started::No, why)));
            return;
        }
        let way_out = if order.touched { Out::Open } else { Out::Shut };
        let running = Running { state: State::Runs, out: way_out, rerunnable: order.rerunnable };
        self.running.insert(of, running);
        out.push(Effect::Start(of));
    }

    fn ended(&mut self, of: Attempt, end: End, out: &mut Vec<Effect>) {
        let Some(running) = self.running.get_mut(&of) else { return };
        match (running.state, &mut running.out) {
            (State::Ends, _) => {}
            (State::Dropped, _) => self.forget(of, out),
            // What was asked for is settled first; then the end is written.
            (State::Runs, Out::Asked { end: later, .. }) => *later = Some(Box::new(end)),
            (State::Runs, way_out) => {
                let touched = *way_out == Out::Open;
                let rerunnable = running.rerunnable && !touched;
                running.state = State::Ends;
                match write_end(of, end, touched, rerunnable) {
                    Some(body) => out.push(Effect::Append(body)),
                    None => self.forget(of, out),
                }
            }
        }
    }

    fn wants_out(&mut self, of: Attempt, who: u64, out: &mut Vec<Effect>) {
        match self.running.get_mut(&of) {
            Some(Running { state: State::Runs, out: Out::Open, .. }) => {
                out.push(Effect::Let(who, true));
            }
            Some(Running { state: State::Runs, out: Out::Asked { waiting, .. }, .. }) => {
                waiting.push(who);
            }
            Some(running) if running.state == State::Runs => {
                running.out = Out::Asked { waiting: vec![who], end: None };
                out.push(Effect::Append(Body::Touched(of)));
            }
            _ => out.push(Effect::Let(who, false)),
        }
    }

    fn verdict(&mut self, of: Attempt, verdict: Verdict, out: &mut Vec<Effect>) {
        match verdict {
            Verdict::Over => {
                self.unsee(of);
                self.forget(of, out);
            }
            Verdict::StillAssigned => self.finish_instead(of),
            Verdict::Touched => self.let_out(of, out),
            // Both prove that the attempt is over: it was given away, or has ended.
            Verdict::NotTouched | Verdict::Aborted => {
                self.drop_attempt(of, out);
                self.unsee(of);
            }
        }
    }

    /// An attempt is over. A later one of the same activation stays seen.
    fn unsee(&mut self, of: Attempt) {
        if self.seen.get(&of.id) == Some(&of.attempt) {
            self.seen.remove(&of.id);
        }
    }

    /// A `Return(maybe)` that was refused proves nothing: the attempt stays seen and assigned, and
    /// the owner settles it by its deadline.
    fn finish_instead(&mut self, of: Attempt) {
        if let Some(running) = self.running.get_mut(&of) {
            running.rerunnable = false;
        }
    }

    fn let_out(&mut self, of: Attempt, out: &mut Vec<Effect>) {
        let Some(running) = self.running.get_mut(&of) else { return };
        let was = std::mem::replace(&mut running.out, Out::Open);
        let Out::Asked { waiting, end } = was else { return };
        out.extend(waiting.into_iter().map(|who| Effect::Let(who, true)));
        if let Some(end) = end {
            self.ended(of, *end, out);
        }
    }

    /// Gives up an attempt that counts no more: nothing of it may leave or be written.
    fn drop_attempt(&mut self, of: Attempt, out: &mut Vec<Effect>) {
        let Some(running) = self.running.get_mut(&of) else { return };
        let was = std::mem::replace(&mut running.out, Out::Shut);
        let mut has_ended = running.state == State::Ends;
        running.state = State::Dropped;
        if let Out::Asked { waiting, end } = was {
            out.extend(waiting.into_iter().map(|who| Effect::Let(who, false)));
            has_ended |= end.is_some();
        }
        if has_ended {
            self.forget(of, out);
        } else {
            out.push(Effect::Stop(of));
        }
    }

    fn abandon(&mut self, out: &mut Vec<Effect>) {
        self.draining = true;
        for (of, running) in &mut self.running {
            let shut = running.out == Out::Shut;
            if running.state == State::Runs && shut && running.rerunnable {
                running.state = State::Dropped;
                out.push(Effect::Append(returned(*of, Started::Maybe, ReturnReason::Stopping)));
            }
            if running.state != State::Ends {
                out.push(Effect::Stop(*of));
            }
        }
    }

    fn forget(&mut self, of: Attempt, out: &mut Vec<Effect>) {
        if self.running.remove(&of).is_some() {
            out.push(Effect::Forget(of));
        }
    }
}

fn returned(of: Attempt, started: Started, why: ReturnReason) -> Body {
    Body::Return(Return { of, started, why })
}

/// What is written about an end. An attempt that was let out is never returned.
fn write_end(of: Attempt, end: End, touched: bool, rerunnable: bool) -> Option<Body> {
    match end {
        End::Finished(finish) => Some(Body::Finish(finish)),
        End::NotStarted(why) if !touched => Some(returned(of, Started::No, why)),
        End::GaveUp(why, _) if rerunnable => Some(returned(of, Started::Maybe, why)),
        End::GaveUp(_, finish) => Some(Body::Finish(finish)),
        End::NotStarted(_) | End::Stopped => None,
    }
}

#[cfg(test)]
mod tests {
    use ledger::record::{Logs, StartState};
    use model::outcome::Class;
    use model::time::WallTime;

    use super::*;

    const LIFE: Incarnation = Incarnation { counter: 1, random: 7 };

    fn attempt(id: u8, attempt: u32) -> Attempt {
        let id = ActivationId::from_bytes([id; 16]);
        Attempt { id, attempt, invoker: InvokerId(0), incarnation: LIFE }
    }

    fn order(of: Attempt, dseq: u64) -> Order {
        Order {
            of,
            epoch: Epoch(1),
            dseq,
            pos: Offset(dseq),
            start_before: None,
            rerunnable: true,
            guarded: true,
            touched: false,
        }
    }

    fn finish(of: Attempt) -> Box<Finish> {
        Box::new(Finish {
            of,
            class: Class::Success,
            result: None,
            array: false,
            size: None,
            start: WallTime(0),
            end: WallTime(0),
            duration_us: 0,
            init_us: None,
            timeout: false,
            state: StartState::Warmed,
            started_from: None,
            logs: Logs::Inline(Vec::new()),
            offer: false,
        })
    }

    struct World(Machine);

    impl World {
        fn new() -> Self {
            Self(Machine::new(InvokerId(0), LIFE))
        }

        fn feed(&mut self, event: Event) -> Vec<Effect> {
            let mut out = Vec::new();
            self.0.step(Moment::default(), event, &mut out);
            out
        }
    }

    #[test]
    fn f59_a_run_that_comes_twice_or_late_starts_once() {
        let mut world = World::new();
        let a = attempt(1, 1);
        assert_eq!(world.feed(Event::Run(order(a, 1))), [Effect::Start(a)]);
        assert_eq!(world.feed(Event::Run(order(a, 1))), [], "the same message again");
        assert_eq!(world.feed(Event::Run(order(a, 2))), [], "the same attempt again");
        assert_eq!(world.feed(Event::Run(order(attempt(2, 1), 1))), [], "an older message");
    }

    #[test]
    fn m05_an_attempt_stays_seen_until_its_end_is_applied() {
        let mut world = World::new();
        let a = attempt(1, 1);
        world.feed(Event::Run(order(a, 1)));
        let end = Event::Ended(a, End::Finished(finish(a)));
        assert_eq!(world.feed(end), [Effect::Append(Body::Finish(finish(a)))]);
        assert_eq!(world.feed(Event::Run(order(a, 2))), []);
        assert_eq!(world.feed(Event::Verdict(a, Verdict::Over)), [Effect::Forget(a)]);
        assert_eq!((world.0.seen(), world.0.in_hand()), (0, 0));
    }

    #[test]
    fn m12_a_request_leaves_only_when_touched_is_applied() {
        let mut world = World::new();
        let a = attempt(1, 1);
        world.feed(Event::Run(order(a, 1)));
        assert_eq!(world.feed(Event::WantsOut(a, 5)), [Effect::Append(Body::Touched(a))]);
        assert_eq!(world.feed(Event::WantsOut(a, 6)), []);
        let verdict = Event::Verdict(a, Verdict::Touched);
        assert_eq!(world.feed(verdict), [Effect::Let(5, true), Effect::Let(6, true)]);
        assert_eq!(world.feed(Event::WantsOut(a, 7)), [Effect::Let(7, true)]);
    }

    #[test]
    fn m31_the_end_of_a_former_attempt_forgets_nothing_of_a_later_one() {
        let mut world = World::new();
        let (first, second) = (attempt(1, 1), attempt(1, 2));
        world.feed(Event::Run(order(first, 1)));
        world.feed(Event::Ended(first, End::Finished(finish(first))));
        world.feed(Event::Verdict(first, Verdict::Aborted));
        assert_eq!(world.feed(Event::Run(order(second, 2))), [Effect::Start(second)]);
        world.feed(Event::Verdict(first, Verdict::Over)); // its `Finish`, void
        assert_eq!(world.feed(Event::Run(order(second, 3))), [], "it runs already");
    }

    #[test]
    fn a_void_touched_of_an_order_that_came_late_leaves_nothing_behind() {
        let mut world = World::new();
        let a = attempt(1, 1);
        world.feed(Event::Verdict(a, Verdict::Aborted)); // before its `Run`
        world.feed(Event::Run(order(a, 1)));
        world.feed(Event::WantsOut(a, 5));
        world.feed(Event::Verdict(a, Verdict::NotTouched));
        world.feed(Event::Ended(a, End::Stopped));
        assert_eq!((world.0.seen(), world.0.in_hand()), (0, 0));
    }

    #[test]
    fn f132_a_void_touched_stops_the_sandbox_and_writes_nothing_more() {
        let mut world = World::new();
        let a = attempt(1, 1);
        world.feed(Event::Run(order(a, 1)));
        world.feed(Event::WantsOut(a, 5));
        let verdict = Event::Verdict(a, Verdict::NotTouched);
        assert_eq!(world.feed(verdict), [Effect::Let(5, false), Effect::Stop(a)]);
        let end = Event::Ended(a, End::Finished(finish(a)));
        assert_eq!(world.feed(end), [Effect::Forget(a)]);
    }

    #[test]
    fn f134_an_end_waits_for_the_verdict_of_its_touched() {
        let mut world = World::new();
        let a = attempt(1, 1);
        world.feed(Event::Run(order(a, 1)));
        world.feed(Event::WantsOut(a, 5));
        assert_eq!(world.feed(Event::Ended(a, End::Finished(finish(a)))), []);
        assert_eq!(
            world.feed(Event::Verdict(a, Verdict::Touched)),
            [Effect::Let(5, true), Effect::Append(Body::Finish(finish(a)))]
        );
    }

    #[test]
    fn f133_the_former_attempt_is_stopped_before_the_next_starts() {
        let mut world = World::new();
        let (first, second) = (attempt(1, 1), attempt(1, 2));
        world.feed(Event::Run(order(first, 1)));
        let effects = world.feed(Event::Run(order(second, 2)));
        assert_eq!(effects, [Effect::Stop(first), Effect::Start(second)]);
    }

    #[test]
    fn f137_what_was_let_out_is_never_returned() {
        let mut world = World::new();
        let a = attempt(1, 1);
        world.feed(Event::Run(order(a, 1)));
        world.feed(Event::WantsOut(a, 5));
        world.feed(Event::Verdict(a, Verdict::Touched));
        let end = End::GaveUp(ReturnReason::Memory, finish(a));
        assert_eq!(world.feed(Event::Ended(a, end)), [Effect::Append(Body::Finish(finish(a)))]);
    }

    #[test]
    fn f86_a_stopping_invoker_starts_nothing_and_gives_back() {
        let mut world = World::new();
        let (a, b) = (attempt(1, 1), attempt(2, 1));
        world.feed(Event::Run(order(a, 1)));
        world.feed(Event::Drain);
        let back = |of, started| {
            Effect::Append(Body::Return(Return { of, started, why: ReturnReason::Stopping }))
        };
        assert_eq!(world.feed(Event::Run(order(b, 2))), [back(b, Started::No)]);
        assert_eq!(world.feed(Event::Abandon), [back(a, Started::Maybe), Effect::Stop(a)]);
    }
}
