//! One attempt: a fresh instance, its limits, its answer.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use invoker::driver::{Answer, Ended, Job, LogLine, NotStarted, Outcome, StartState, Stream};
use model::json::{Json, Kind};
use model::outcome::{self, Class};
use model::time::WallTime;
use wasmtime::{Instance, ModuleExport, Store, UpdateDeadline, WasmBacktrace};

use crate::budget::{Budget, Lease};
use crate::config::Outside;
use crate::engine::{Engine, Loaded, NotLoaded, Resident};
use crate::executor::Turn;
use crate::host::{Cut, Limiter, State, Words};
use crate::inspect;
use crate::output::{Output, Written};
use crate::script::{self, Outgoing, Scripts};

/// What an attempt needs besides its job.
#[derive(Clone)]
pub(crate) struct Ground {
    pub(crate) engine: Arc<Engine>,
    pub(crate) scripts: Arc<Scripts>,
    pub(crate) budget: Arc<Budget>,
    pub(crate) outgoing: Option<Outgoing>,
    pub(crate) outside: Outside,
}

/// Why a call into the guest has no result of its own.
pub(crate) enum Interrupted {
    Time,
    Stopped,
}

/// How the guest ended, before its output was looked at.
pub(crate) enum End {
    /// It returned, or exited with this status.
    Exit(i32),
    /// It trapped: the text and the backtrace.
    Trap(Vec<String>),
    /// It was too long at it.
    Time,
    /// It wanted more than its limit, and died of it.
    OutOfMemory,
    /// It wanted more than the budget of all has.
    OutOfBudget,
    Stopped,
    /// We failed.
    Fault(String),
}

/// How far a guest had come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Its memory was being made.
    Making,
    /// In `_initialize`.
    Initialising,
    Running,
}

/// An end, and when it came.
pub(crate) struct Ending {
    pub(crate) end: End,
    pub(crate) phase: Phase,
}

/// Runs a job of the kind that it is to its end.
pub(crate) async fn run(ground: &Ground, job: Job, turn: Arc<Turn>) -> Ended {
    if script::is_script(&job.kind) {
        script::run(ground, job, turn).await
    } else {
        run_module(ground, job, turn).await
    }
}

/// Runs a job whose code is a module to its end.
async fn run_module(ground: &Ground, job: Job, turn: Arc<Turn>) -> Ended {
    let mut clock = Clock::start(ground.outside);
    let Some(lease) = ground.budget.start() else {
        return clock.ended(Outcome::NotStarted(NotStarted::NoSlot), StartState::Cold, Vec::new());
    };
    let limit = job.limits.timeout.as_duration();
    tracing::trace!(activation_id = %job.id, "begins");

    // The code, which may have to be compiled first.
    let loading = within(ground.engine.module(job.code), clock.began + limit, &turn).await;
    let Loaded { module, state } = match loading {
        Ok(Ok(loaded)) => loaded,
        Ok(Err(error)) => return clock.not_loaded(&job, error),
        Err(Interrupted::Stopped) => {
            return clock.ended(Outcome::Stopped, StartState::Cold, Vec::new());
        }
        Err(Interrupted::Time) => {
            clock.initialised();
            let text = outcome::init_time_limit(job.limits.timeout.0);
            return clock.failed(&job, &text, true, StartState::Cold, None);
        }
    };
    if state == StartState::Cold {
        clock.initialised();
    }

    let entry = inspect::entry(job.main.as_deref(), |name| module.entry(name).is_some());
    let export = module.entry(entry);
    let Some(export) = export else {
        let text = outcome::init_failed(&inspect::no_export(entry).0);
        return clock.failed(&job, &text, false, state, None);
    };

    let is_initialize = entry == "_initialize";
    let job = Arc::new(job);
    let input = job.arguments.as_bytes().clone();
    let guest = guest_state(ground, lease, &module, &job, &clock, &turn, input);
    let mut store = store(ground, guest);
    let ending = call(&mut store, &module, export, is_initialize, limit, &turn).await;
    let guest = store.into_data();
    clock.judge(&job, ending, guest, state)
}

/// All that belongs to an instance besides its memory.
pub(crate) fn guest_state(
    ground: &Ground,
    lease: Lease,
    module: &Resident,
    job: &Arc<Job>,
    clock: &Clock,
    turn: &Arc<Turn>,
    input: Bytes,
) -> State {
    let deadline_ms = clock.start.0.saturating_add_unsigned(job.limits.timeout.0);
    State::new(
        Limiter::new(lease, u64::from(job.limits.memory) << 20),
        Output::new(job.result.most, u64::from(job.limits.logs) << 20),
        input,
        Arc::clone(&module.files),
        Arc::new(OfJob { job: Arc::clone(job), deadline_ms }),
        Arc::clone(turn),
        ground.outside,
    )
}

pub(crate) fn store(ground: &Ground, guest: State) -> Store<State> {
    let mut store = Store::new(&ground.engine.wasmtime, guest);
    store.limiter(|guest| &mut guest.limiter);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|guest| {
        Ok(if guest.data().is_turn_over() {
            UpdateDeadline::Yield(1)
        } else {
            UpdateDeadline::Continue(1)
        })
    });
    store
}

/// Instantiates and calls; nothing here outlives `store`.
async fn call(
    store: &mut Store<State>,
    module: &Resident,
    export: ModuleExport,
    is_initialize: bool,
    limit: Duration,
    turn: &Turn,
) -> Ending {
    let calling = async {
        let instance = module.instance.instantiate_async(&mut *store).await?;
        Ok::<_, wasmtime::Error>(instance)
    };
    let instance = match within(calling, turn.now() + limit, turn).await {
        Ok(Ok(instance)) => instance,
        Ok(Err(error)) => return Ending { end: end(store, &error), phase: Phase::Making },
        Err(interrupted) => return Ending { end: interrupted.into(), phase: Phase::Making },
    };
    if let Some(initialize) = module.initialize
        && !is_initialize
    {
        let call = enter(store, instance, initialize);
        let end = match within(call, turn.now() + limit, turn).await {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(end(store, &error)),
            Err(interrupted) => Some(interrupted.into()),
        };
        if let Some(end) = end {
            return Ending { end, phase: Phase::Initialising };
        }
    }
    let call = enter(store, instance, export);
    let end = match within(call, turn.now() + limit, turn).await {
        Ok(Ok(status)) => End::Exit(status),
        Ok(Err(error)) => end(store, &error),
        Err(interrupted) => interrupted.into(),
    };
    Ending { end, phase: Phase::Running }
}

/// Calls an export without arguments; a number that it returns is its exit status.
async fn enter(
    store: &mut Store<State>,
    instance: Instance,
    export: ModuleExport,
) -> wasmtime::Result<i32> {
    let function = instance
        .get_module_export(&mut *store, &export)
        .and_then(wasmtime::Extern::into_func)
        .ok_or_else(|| wasmtime::Error::msg("the export is not a function"))?;
    if let Ok(function) = function.typed::<(), ()>(&*store) {
        return function.call_async(&mut *store, ()).await.map(|()| 0);
    }
    function.typed::<(), i32>(&*store)?.call_async(&mut *store, ()).await
}

/// Waits for `future`, but not beyond `until` and not after a stop.
pub(crate) async fn within<F: Future>(
    future: F,
    until: Duration,
    turn: &Turn,
) -> Result<F::Output, Interrupted> {
    let mut future = pin!(future);
    let mut limit = None;
    std::future::poll_fn(|context| {
        if turn.is_stopped() {
            return Poll::Ready(Err(Interrupted::Stopped));
        }
        if turn.now() >= until {
            return Poll::Ready(Err(Interrupted::Time));
        }
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            return Poll::Ready(Ok(output));
        }
        // A guest that gave way runs on soon. One that waits for the host needs an alarm.
        if !turn.take_yielded() {
            let limit = limit.get_or_insert_with(|| Box::pin(turn.sleep_until(until)));
            if limit.as_mut().poll(context).is_ready() {
                return Poll::Ready(Err(Interrupted::Time));
            }
        }
        Poll::Pending
    })
    .await
}

/// What an error of wasmtime means.
pub(crate) fn end(store: &Store<State>, error: &wasmtime::Error) -> End {
    let guest = store.data();
    if guest.limiter.hit_budget {
        return End::OutOfBudget;
    }
    match (error.downcast_ref::<Cut>(), guest.exit) {
        (Some(Cut::Exit), Some(status)) => return End::Exit(status),
        (Some(Cut::Closed), _) => return End::Stopped,
        _ => {}
    }
    if guest.limiter.hit_limit {
        return End::OutOfMemory;
    }
    let Some(trap) = error.downcast_ref::<wasmtime::Trap>() else {
        return End::Fault(format!("{error:#}"));
    };
    let mut lines = vec![trap.to_string()];
    if let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() {
        lines.extend(frames(backtrace));
    }
    End::Trap(lines)
}

fn frames(backtrace: &WasmBacktrace) -> impl Iterator<Item = String> {
    backtrace.frames().iter().enumerate().map(|(number, frame)| {
        let name = match frame.func_name() {
            Some(name) => name.to_owned(),
            None => format!("function {}", frame.func_index()),
        };
        let at = frame.module_offset().map(|at| format!(" (at {at:#x})")).unwrap_or_default();
        format!("  {number}: {name}{at}")
    })
}

impl From<Interrupted> for End {
    fn from(interrupted: Interrupted) -> Self {
        match interrupted {
            Interrupted::Time => Self::Time,
            Interrupted::Stopped => Self::Stopped,
        }
    }
}

/// Words of a job, for the guest's command line and environment.
struct OfJob {
    job: Arc<Job>,
    deadline_ms: i64,
}

impl Words for OfJob {
    fn arguments(&self) -> Vec<String> {
        let name = self.job.path.rsplit('/').next().unwrap_or_default().to_owned();
        std::iter::once(name).chain(self.job.words.iter().cloned()).collect()
    }

    fn environment(&self) -> Vec<(String, String)> {
        let job = &self.job;
        let own = |name: &str, value: String| (format!("__OW_{name}"), value);
        let mut all = vec![
            own("ACTION_NAME", format!("/{}", job.path)),
            own("ACTION_VERSION", job.version.clone()),
            own("ACTIVATION_ID", job.id.to_string()),
            own("TRANSACTION_ID", job.transaction.clone()),
            own("NAMESPACE", job.namespace.as_str().to_owned()),
            own("DEADLINE", self.deadline_ms.to_string()),
        ];
        all.extend(job.api_host.iter().map(|host| own("API_HOST", host.clone())));
        all.extend(job.api_key.iter().map(|key| own("API_KEY", key.reveal())));
        // Where no key is given, nobody else may say one either.
        let known = all.iter().map(|(name, _)| name.clone());
        let known: Vec<String> = known.chain(["__OW_API_KEY".to_owned()]).collect();
        let mine = job
            .environment
            .iter()
            .filter(|(name, _)| !name.is_empty() && !name.contains('=') && !known.contains(name));
        all.extend(mine.cloned());
        all
    }
}

/// When an attempt began, and what becomes of its times.
pub(crate) struct Clock {
    pub(crate) outside: Outside,
    pub(crate) began: Duration,
    start: WallTime,
    init: Option<Duration>,
    /// `image` or `eval`, for scripts.
    pub(crate) started_from: Option<&'static str>,
}

impl Clock {
    pub(crate) fn start(outside: Outside) -> Self {
        let start = wall(outside);
        Self { outside, began: (outside.now_mono)(), start, init: None, started_from: None }
    }

    /// What was waited for until now was initialisation.
    pub(crate) fn initialised(&mut self) {
        self.init = Some((self.outside.now_mono)().saturating_sub(self.began));
    }

    pub(crate) fn ended(&self, outcome: Outcome, state: StartState, logs: Vec<LogLine>) -> Ended {
        let duration = (self.outside.now_mono)().saturating_sub(self.began);
        Ended {
            outcome,
            start: self.start,
            end: wall(self.outside),
            duration_us: micros(duration),
            init_us: self.init.map(micros),
            state,
            started_from: self.started_from.map(str::to_owned),
            logs,
        }
    }

    fn not_loaded(&mut self, job: &Job, error: NotLoaded) -> Ended {
        let outcome = match error {
            NotLoaded::NoCode(reason) => Outcome::NotStarted(NotStarted::NoCode(reason)),
            NotLoaded::Fault(reason) => Outcome::NotStarted(NotStarted::Provision(reason)),
            NotLoaded::Broken(reason) => {
                self.initialised();
                let text = outcome::init_failed(&reason);
                return self.failed(job, &text, false, StartState::Cold, None);
            }
        };
        self.ended(outcome, StartState::Cold, Vec::new())
    }

    /// A developer error with `text`.
    pub(crate) fn failed(
        &self,
        job: &Job,
        text: &str,
        timeout: bool,
        state: StartState,
        written: Option<Written>,
    ) -> Ended {
        let answer =
            Answer { class: Class::DeveloperError, result: Json::error(text), size: None, timeout };
        let mut logs = Logs::of(self.outside, job, written);
        logs.say(outcome::LOGS_AFTER_DEVELOPER_ERROR.to_owned());
        self.ended(Outcome::Answer(answer), state, logs.finish())
    }

    /// From the end of a guest to the outcome: the table of `action-runtime.md` §18.6.
    pub(crate) fn judge(
        &mut self,
        job: &Job,
        ending: Ending,
        guest: State,
        state: StartState,
    ) -> Ended {
        let Ending { end, phase } = ending;
        let in_initialize = phase == Phase::Initialising;
        let mut written = guest.output.finish((self.outside.now_wall_ns)());
        if in_initialize {
            self.initialised();
        }
        let mut lines = Vec::new();
        let mut timeout = false;
        let ms = job.limits.timeout.0;
        let text = match end {
            End::Exit(status) if !in_initialize => {
                if let Some(ended) = self.answered(job, status, &mut written, state) {
                    return ended;
                }
                lines.push(format!("The action exited with status {status}."));
                outcome::EXITED.to_owned()
            }
            End::Exit(status) => outcome::init_failed(&format!("it exited with status {status}")),
            End::Trap(trap) => {
                let reason = trap.first().cloned().unwrap_or_default();
                lines = trap;
                if in_initialize {
                    outcome::init_failed(&reason)
                } else {
                    outcome::EXITED.to_owned()
                }
            }
            End::Time => {
                timeout = true;
                let limit =
                    if in_initialize { outcome::init_time_limit } else { outcome::time_limit };
                limit(ms)
            }
            End::OutOfMemory => outcome::OUT_OF_MEMORY.to_owned(),
            End::OutOfBudget if phase == Phase::Making => {
                let outcome = Outcome::NotStarted(NotStarted::NoSlot);
                return self.ended(outcome, state, Vec::new());
            }
            End::OutOfBudget => return self.ended(Outcome::OutOfBudget, state, Vec::new()),
            End::Stopped => return self.ended(Outcome::Stopped, state, Vec::new()),
            End::Fault(reason) => {
                tracing::error!(activation_id = %job.id, reason, "the engine failed on a run");
                let answer = Answer {
                    class: Class::InternalError,
                    result: Json::error(outcome::NO_CAPACITY),
                    size: None,
                    timeout: false,
                };
                let logs = Logs::of(self.outside, job, Some(written)).finish();
                return self.ended(Outcome::Answer(answer), state, logs);
            }
        };
        let mut logs = Logs::of(self.outside, job, Some(written));
        for line in lines {
            logs.say(line);
        }
        logs.say(outcome::LOGS_AFTER_DEVELOPER_ERROR.to_owned());
        let answer = Answer {
            class: Class::DeveloperError,
            result: Json::error(&text),
            size: None,
            timeout,
        };
        self.ended(Outcome::Answer(answer), state, logs.finish())
    }

    /// The outcome of a guest that ended by itself, if its answer counts.
    pub(crate) fn answered(
        &self,
        job: &Job,
        status: i32,
        written: &mut Written,
        state: StartState,
    ) -> Option<Ended> {
        let raw = written.answer.as_ref();
        let length = raw.map_or(0, |raw| raw.length);
        let text = raw.map_or(&[][..], |raw| &raw.text);
        let is_too_long = length > job.result.most;
        let json = if is_too_long { None } else { Json::parse(text).ok() };
        let error = json.as_ref().and_then(|json| json.member("error"));
        if status != 0 && error.is_none() {
            return None;
        }
        let size = Some(String::from_utf8_lossy(text).chars().count() as u64);
        let answer = |class, result, size| Answer { class, result, size, timeout: false };
        let answer = match (json, error) {
            (_, Some(error)) => {
                let reduced = Json::object([("error", error)]);
                answer(Class::ApplicationError, reduced, size)
            }
            (Some(json), None) if matches!(json.kind(), Kind::Object | Kind::Array) => {
                answer(Class::Success, json, size)
            }
            _ if is_too_long => {
                let kept = job.result.shown.min(text.len() as u64);
                let prefix = String::from_utf8_lossy(&text[..usize::try_from(kept).unwrap_or(0)]);
                let text = outcome::long_answer(length, job.result.most, &prefix);
                answer(Class::ApplicationError, Json::error(&text), None)
            }
            _ => {
                let text = outcome::bad_answer(&String::from_utf8_lossy(text));
                answer(Class::DeveloperError, Json::error(&text), size.filter(|size| *size > 0))
            }
        };
        written.answer = None;
        let is_broken = answer.class == Class::DeveloperError;
        let mut logs = Logs::of(self.outside, job, Some(std::mem::take(written)));
        if is_broken {
            logs.say(outcome::LOGS_AFTER_DEVELOPER_ERROR.to_owned());
        }
        Some(self.ended(Outcome::Answer(answer), state, logs.finish()))
    }
}

/// Log lines of a guest, and those that the platform adds.
struct Logs {
    lines: Vec<LogLine>,
    at_ns: i64,
    is_truncated: bool,
    /// `None`: the action wants none.
    limit: Option<u64>,
}

impl Logs {
    fn of(outside: Outside, job: &Job, written: Option<Written>) -> Self {
        let limit = Some(u64::from(job.limits.logs) << 20).filter(|limit| *limit > 0);
        let written = written.unwrap_or_default();
        let mut lines = written.logs;
        // An answer that is not the result after all is a line like any other.
        if let Some(line) = written.answer {
            let text = String::from_utf8_lossy(&line.text).into_owned();
            lines.push(LogLine { at_ns: line.at_ns, stream: Stream::Stdout, text });
            lines.sort_by_key(|line| line.at_ns);
        }
        Self { lines, at_ns: (outside.now_wall_ns)(), is_truncated: written.is_truncated, limit }
    }

    fn say(&mut self, text: String) {
        self.lines.push(LogLine { at_ns: self.at_ns, stream: Stream::Stderr, text });
    }

    fn finish(mut self) -> Vec<LogLine> {
        let Some(limit) = self.limit else { return Vec::new() };
        if self.is_truncated {
            self.say(outcome::logs_truncated(limit));
        }
        self.lines
    }
}

fn wall(outside: Outside) -> WallTime {
    WallTime((outside.now_wall_ns)().div_euclid(1_000_000))
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
