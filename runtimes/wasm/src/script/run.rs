//! One attempt of a script: a fresh instance of the engine, its image or its code, its answer.

use std::sync::Arc;
use std::time::Duration;

use invoker::driver::{Ended, Job, NotStarted, Outcome, StartState};
use model::outcome;
use wasmtime::{Instance, Memory, ModuleExport, Store};

use super::code::Code;
use super::engine::Ready;
use super::host::{Answered, Guest, Kind};
use super::image::Image;
use super::requests::Requests;
use super::shelf::{Key, Script};
use crate::executor::Turn;
use crate::host::State;
use crate::instance::{
    Clock, End, Ending, Ground, Interrupted, Phase, end, guest_state, store, within,
};
use crate::output::RawAnswer;

/// What the entry is called unless the action says otherwise.
pub(super) const MAIN: &str = "main";

/// From what an instance began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    /// From the image of the evaluated script.
    Image,
    /// Its script was evaluated in it.
    Eval,
}

impl Begun {
    /// As in the annotation `start`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Eval => "eval",
        }
    }
}

/// Runs a job to its end.
pub(crate) async fn run(ground: &Ground, job: Job, turn: Arc<Turn>) -> Ended {
    // The engine is made when the server starts for the first time: no time of the action's.
    let patience = turn.now() + PATIENCE;
    let engine = within(ground.scripts.engine(), patience, &turn).await;
    let mut clock = Clock::start(ground.outside);
    let engine = match engine {
        Ok(Ok(engine)) => engine,
        Ok(Err(reason)) => {
            let why = Outcome::NotStarted(NotStarted::Provision(reason));
            return clock.ended(why, StartState::Cold, Vec::new());
        }
        Err(Interrupted::Time) => {
            let why = NotStarted::Provision("the script engine is not ready yet".to_owned());
            return clock.ended(Outcome::NotStarted(why), StartState::Cold, Vec::new());
        }
        Err(Interrupted::Stopped) => {
            return clock.ended(Outcome::Stopped, StartState::Cold, Vec::new());
        }
    };
    let Some(lease) = ground.budget.start() else {
        return clock.ended(Outcome::NotStarted(NotStarted::NoSlot), StartState::Cold, Vec::new());
    };
    let limit = job.limits.timeout.as_duration();
    tracing::trace!(activation_id = %job.id, "begins");

    let key = Key { code: job.code, main: job.main.clone().unwrap_or_else(|| MAIN.to_owned()) };
    let finding = within(find(ground, &key), clock.began + limit, &turn).await;
    let (script, state) = match finding {
        Ok(Ok(found)) => found,
        Ok(Err(NotFound::Broken(reason))) => {
            clock.initialised();
            let text = outcome::init_failed_because(&reason);
            return clock.failed(&job, &text, false, StartState::Cold, None);
        }
        Ok(Err(NotFound::NotStarted(why))) => {
            return clock.ended(Outcome::NotStarted(why), StartState::Cold, Vec::new());
        }
        Err(Interrupted::Stopped) => {
            return clock.ended(Outcome::Stopped, StartState::Cold, Vec::new());
        }
        Err(Interrupted::Time) => {
            clock.initialised();
            let text = outcome::init_time_limit(job.limits.timeout.0);
            return clock.failed(&job, &text, true, StartState::Cold, None);
        }
    };

    let job = Arc::new(job);
    let mut guest = guest_state(ground, lease, &engine.module, &job, &clock, &turn);
    guest.script = Some(Box::new(Guest::new(
        script.code.clone(),
        key.main.clone(),
        job.arguments.as_bytes().clone(),
        job.max_result.max(PREFIX),
        Requests::new(ground.outgoing.clone(), job.way_out.clone()),
    )));
    let mut store = store(ground, guest);
    let call = Call { ground, engine: &engine, key: &key, limit, turn: &turn };
    let begun = if script.image.is_some() { Begun::Image } else { Begun::Eval };
    let ending = call.whole(&mut store, &script, &mut clock).await;
    let guest = store.into_data();
    clock.started_from = Some(begun.word());
    judge(&mut clock, &job, ending, guest, state)
}

/// How long a run waits for the engine to be made.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much of an answer that is too long is told.
const PREFIX: u64 = 1 << 20;

/// Why a script is not there.
enum NotFound {
    /// Its code is not what can be read: for its author.
    Broken(String),
    NotStarted(NotStarted),
}

/// The script, wherever it is now.
async fn find(ground: &Ground, key: &Key) -> Result<(Arc<Script>, StartState), NotFound> {
    let scripts = &ground.scripts;
    if let Some(script) = scripts.shelf.get(key) {
        return Ok((script, StartState::Warmed));
    }
    let known = scripts.shelf.read(key);
    if let Some((image, false)) = known {
        return Ok((on_shelf(ground, key, image, None), StartState::Prewarmed));
    }
    let code = ground.engine.fetch(key.code).await;
    let code = code.map_err(|reason| NotFound::NotStarted(NotStarted::NoCode(reason)))?;
    let code = Arc::new(Code::read(&code).map_err(NotFound::Broken)?);
    match known {
        Some((image, _)) => Ok((on_shelf(ground, key, image, Some(code)), StartState::Prewarmed)),
        None => Ok((Arc::new(Script { image: None, code: Some(code) }), StartState::Cold)),
    }
}

fn on_shelf(ground: &Ground, key: &Key, image: Image, code: Option<Arc<Code>>) -> Arc<Script> {
    let script = Arc::new(Script { image: Some(image), code });
    ground.scripts.shelf.keep(key.clone(), Arc::clone(&script));
    script
}

/// Of a script with an image, only the files of an archive are looked at again.
fn kept(code: Arc<Code>) -> Option<Arc<Code>> {
    matches!(*code, Code::Archive(_)).then_some(code)
}

/// One instance, while it runs.
struct Call<'a> {
    ground: &'a Ground,
    engine: &'a Ready,
    key: &'a Key,
    limit: Duration,
    turn: &'a Turn,
}

impl Call<'_> {
    /// Instantiates, brings the script, calls its `main`; nothing here outlives `store`.
    async fn whole(&self, store: &mut Store<State>, script: &Script, clock: &mut Clock) -> Ending {
        let calling = async { self.engine.module.instance.instantiate_async(&mut *store).await };
        let instance = match self.within(calling).await {
            Ok(Ok(instance)) => instance,
            Ok(Err(error)) => return Ending { end: end(store, &error), phase: Phase::Making },
            Err(interrupted) => return Ending { end: interrupted.into(), phase: Phase::Making },
        };
        let memory = self.memory(store, instance);
        let is_ready = match (&script.image, memory) {
            (Some(image), Some(memory)) => image.restore(&mut *store, memory),
            (None, Some(memory)) => {
                if let Some(end) = self.load(store, instance, memory, script).await {
                    return Ending { end, phase: Phase::Initialising };
                }
                clock.initialised();
                Ok(())
            }
            (_, None) => Err(wasmtime::Error::msg("the engine exports no memory")),
        };
        if let Err(error) = is_ready {
            return Ending { end: end(store, &error), phase: Phase::Making };
        }
        let end = match self.enter(store, instance, self.engine.run).await {
            Some(end) => end,
            None => End::Exit(0),
        };
        Ending { end: self.leave(store, end).await, phase: Phase::Running }
    }

    /// Evaluates the script, and keeps its image if there can be one. An end if that ended it.
    async fn load(
        &self,
        store: &mut Store<State>,
        instance: Instance,
        memory: Memory,
        script: &Script,
    ) -> Option<End> {
        if let Some(end) = self.enter(store, instance, self.engine.load).await {
            return Some(end);
        }
        let state = store.data();
        let guest = state.script.as_deref()?;
        if guest.answered.is_some() {
            self.keep(None, script);
            return Some(End::Exit(0));
        }
        let has_image = !state.has_looked_out && !guest.is_pending;
        self.keep(has_image.then(|| memory.data(&*store)), script);
        None
    }

    /// Keeps what is known of the script now.
    fn keep(&self, memory: Option<&[u8]>, script: &Script) {
        let scripts = &self.ground.scripts;
        let image = memory.map(|memory| self.engine.pristine.image(memory));
        let code = match image {
            Some(_) => script.code.clone().and_then(kept),
            None => script.code.clone(),
        };
        let script = Arc::new(Script { image, code });
        scripts.shelf.keep(self.key.clone(), Arc::clone(&script));
        if script.image.is_some() {
            let (scripts, key) = (Arc::clone(scripts), self.key.clone());
            // If too much waits to be written, it is made again when it is needed again.
            let _ = self.ground.engine.later(move || {
                if let Some(image) = &script.image {
                    scripts.shelf.write(&key, image, script.code.is_some());
                }
            });
        }
    }

    /// What was begun outside is sent before the end is told.
    async fn leave(&self, store: &mut Store<State>, end: End) -> End {
        if !matches!(end, End::Exit(_)) {
            return end;
        }
        let Some(guest) = store.data_mut().script.as_deref_mut() else { return end };
        match self.within(guest.requests.finish(self.turn)).await {
            Ok(Ok(())) | Err(Interrupted::Time) => end,
            Ok(Err(_)) | Err(Interrupted::Stopped) => End::Stopped,
        }
    }

    /// Calls a function of the engine. An end unless it returned.
    async fn enter(
        &self,
        store: &mut Store<State>,
        instance: Instance,
        export: ModuleExport,
    ) -> Option<End> {
        let calling = async {
            let function = instance
                .get_module_export(&mut *store, &export)
                .and_then(wasmtime::Extern::into_func)
                .ok_or_else(|| wasmtime::Error::msg("the engine lacks a function"))?;
            function.typed::<(), ()>(&*store)?.call_async(&mut *store, ()).await
        };
        match self.within(calling).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(end(store, &error)),
            Err(interrupted) => Some(interrupted.into()),
        }
    }

    async fn within<F: Future>(&self, future: F) -> Result<F::Output, Interrupted> {
        within(future, self.turn.now() + self.limit, self.turn).await
    }

    fn memory(&self, store: &mut Store<State>, instance: Instance) -> Option<Memory> {
        let memory = instance.get_module_export(store, &self.engine.memory);
        memory.and_then(wasmtime::Extern::into_memory)
    }
}

/// From the end of a script to the outcome: the tables of `action-runtime.md` §§10, 18.6.
fn judge(
    clock: &mut Clock,
    job: &Job,
    ending: Ending,
    mut guest: State,
    state: StartState,
) -> Ended {
    let Ending { end, phase } = ending;
    let is_loading = phase == Phase::Initialising;
    if is_loading {
        clock.initialised();
    }
    let answered = guest.script.as_deref_mut().and_then(|guest| guest.answered.take());
    if !matches!(end, End::Exit(_)) {
        return clock.judge(job, Ending { end, phase }, guest, state);
    }
    let at_ns = (clock.outside.now_wall_ns)();
    let mut written = guest.output.finish(at_ns);
    let kind = answered.as_ref().map_or(Kind::Exited, |answered| answered.kind);
    let text = match (kind, answered) {
        (Kind::Result, Some(Answered { text, length, .. })) => {
            written.answer = Some(RawAnswer { at_ns, text, length });
            if let Some(ended) = clock.answered(job, 0, &mut written, state) {
                return ended;
            }
            outcome::EXITED.to_owned()
        }
        (Kind::Error, Some(answered)) => {
            let text = serde_json::from_slice(&answered.text);
            text.unwrap_or_else(|_| String::from_utf8_lossy(&answered.text).into_owned())
        }
        (Kind::InitError, Some(answered)) => String::from_utf8_lossy(&answered.text).into_owned(),
        (Kind::NeverSettled, _) => outcome::bad_answer("main() never settled."),
        (Kind::OutOfMemory, _) => outcome::OUT_OF_MEMORY.to_owned(),
        _ if is_loading => outcome::INIT_EXITED.to_owned(),
        _ => outcome::EXITED.to_owned(),
    };
    clock.failed(job, &text, false, state, Some(written))
}
