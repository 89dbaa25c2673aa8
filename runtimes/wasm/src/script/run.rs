//! One attempt of a script: a fresh instance of the engine, its image or its code, its answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt as _, Shared};
use invoker::driver::{Ended, Job, NotStarted, Outcome, StartState};
use model::limits::MAX_PAYLOAD;
use model::outcome;
use wasmtime::{Instance, Memory, ModuleExport, Store};

use super::code::Code;
use super::engine::Ready;
use super::host::{Answered, Guest, Kind};
use super::image::Image;
use super::requests::Requests;
use super::shelf::{Key, Script};
use crate::executor::{Turn, lock};
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
    // It has no standard input: its arguments are looked up by the library, and only to be called.
    let mut guest = guest_state(ground, lease, &engine.module, &job, &clock, &turn, Bytes::new());
    guest.script = Some(Box::new(Guest::new(
        script.code.clone(),
        key.main.clone(),
        job.arguments.as_bytes().clone(),
        job.result.most.max(MAX_PAYLOAD),
        Requests::new(
            ground.outgoing.clone(),
            job.way_out.clone(),
            job.namespace.clone(),
            Arc::clone(&ground.budget),
        ),
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

/// Why a script is not there.
#[derive(Clone)]
pub(crate) enum NotFound {
    /// Its code is not what can be read: for its author.
    Broken(String),
    NotStarted(NotStarted),
}

type Found = Result<(Arc<Script>, StartState), NotFound>;

/// Code that is being read: each once, however many wait for it.
#[derive(Default)]
pub(crate) struct Reading(Mutex<HashMap<Key, Shared<BoxFuture<'static, Found>>>>);

/// The script, wherever it is now.
async fn find(ground: &Ground, key: &Key) -> Found {
    if let Some(script) = ground.scripts.shelf.get(key) {
        return Ok((script, StartState::Warmed));
    }
    let known = ground.scripts.shelf.read(key);
    if let Some((image, false)) = known {
        return Ok((on_shelf(ground, key, image, None), StartState::Prewarmed));
    }
    let reading = join(ground, key, known.map(|(image, _)| image));
    reading.await
}

/// Reads the code of a script, with all others that want it.
fn join(ground: &Ground, key: &Key, image: Option<Image>) -> Shared<BoxFuture<'static, Found>> {
    let mut reading = lock(&ground.scripts.reading.0);
    let found = reading.entry(key.clone()).or_insert_with(|| {
        let (ground, key) = (ground.clone(), key.clone());
        async move {
            let found = read(&ground, &key, image).await;
            lock(&ground.scripts.reading.0).remove(&key);
            found
        }
        .boxed()
        .shared()
    });
    found.clone()
}

/// Reads the code of a script, which may be an archive.
async fn read(ground: &Ground, key: &Key, image: Option<Image>) -> Found {
    let no_code = |reason| NotFound::NotStarted(NotStarted::NoCode(reason));
    let code = ground.engine.fetch(key.code).await.map_err(no_code)?;
    let code = ground.engine.aside(move || Code::read(&code)).await.map_err(no_code)?;
    let code = Arc::new(code.map_err(NotFound::Broken)?);
    if let Some(image) = image {
        return Ok((on_shelf(ground, key, image, Some(code)), StartState::Prewarmed));
    }
    let script = Arc::new(Script { is_evaluated: false, image: None, code: Some(code) });
    ground.scripts.shelf.keep(key.clone(), Arc::clone(&script));
    Ok((script, StartState::Cold))
}

fn on_shelf(ground: &Ground, key: &Key, image: Image, code: Option<Arc<Code>>) -> Arc<Script> {
    let script = Arc::new(Script { is_evaluated: true, image: Some(image), code });
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
        let instance = match within(calling, self.turn.now() + self.limit, self.turn).await {
            Ok(Ok(instance)) => instance,
            Ok(Err(error)) => return Ending { end: end(store, &error), phase: Phase::Making },
            Err(interrupted) => return Ending { end: interrupted.into(), phase: Phase::Making },
        };
        let memory = self.memory(store, instance);
        let is_ready = match (&script.image, memory) {
            (Some(image), Some(memory)) => image.restore(&mut *store, memory),
            (None, Some(memory)) => {
                let until = self.turn.now() + self.limit;
                if let Some(end) = self.load(store, instance, memory, script, until).await {
                    let end = self.leave(store, end, until).await;
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
        let until = self.turn.now() + self.limit;
        let end = self.enter(store, instance, self.engine.run, until).await;
        let end = self.leave(store, end.unwrap_or(End::Exit(0)), until).await;
        #[cfg(test)]
        note_seed(store, instance).await;
        Ending { end, phase: Phase::Running }
    }

    /// Evaluates the script, and keeps its image if there can be one. An end if that ended it.
    async fn load(
        &self,
        store: &mut Store<State>,
        instance: Instance,
        memory: Memory,
        script: &Script,
        until: Duration,
    ) -> Option<End> {
        if let Some(end) = self.enter(store, instance, self.engine.load, until).await {
            return Some(end);
        }
        let state = store.data();
        let guest = state.script.as_deref()?;
        if guest.answered.is_some() {
            self.keep(None, script);
            return Some(End::Exit(0));
        }
        // What met its limit of memory would end otherwise under another one.
        let has_image = !state.has_looked_out && !guest.is_pending && !state.limiter.hit_limit;
        self.keep(has_image.then(|| memory.data(&*store)), script);
        None
    }

    /// Keeps what is known of the script now.
    fn keep(&self, memory: Option<&[u8]>, script: &Script) {
        let scripts = &self.ground.scripts;
        let image = memory.and_then(|memory| self.engine.image(memory));
        let code = match image {
            Some(_) => script.code.clone().and_then(kept),
            None => script.code.clone(),
        };
        let script = Arc::new(Script { is_evaluated: true, image, code });
        scripts.shelf.keep(self.key.clone(), Arc::clone(&script));
        if let Some(room) = script.image.as_ref().and_then(|it| scripts.shelf.may_write(it)) {
            let (scripts, key) = (Arc::clone(scripts), self.key.clone());
            // If too much waits for that thread, it is made again when it is needed again.
            let _ = self.ground.engine.later(move || {
                if let Some(image) = &script.image {
                    scripts.shelf.write(&key, image, script.code.is_some(), room);
                }
            });
        }
    }

    /// What was begun outside is sent before the end is told, if there is time left.
    async fn leave(&self, store: &mut Store<State>, end: End, until: Duration) -> End {
        if matches!(end, End::Stopped | End::OutOfBudget | End::Time) {
            return end;
        }
        let Some(guest) = store.data_mut().script.as_deref_mut() else { return end };
        match within(guest.requests.finish(self.turn), until, self.turn).await {
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
        until: Duration,
    ) -> Option<End> {
        let calling = async {
            let function = instance
                .get_module_export(&mut *store, &export)
                .and_then(wasmtime::Extern::into_func)
                .ok_or_else(|| wasmtime::Error::msg("the engine lacks a function"))?;
            function.typed::<(), ()>(&*store)?.call_async(&mut *store, ()).await
        };
        match within(calling, until, self.turn).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(end(store, &error)),
            Err(interrupted) => Some(interrupted.into()),
        }
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

/// Seeds of hashes, of the instances that have run.
#[cfg(test)]
pub(crate) static SEEDS: Mutex<Vec<u32>> = Mutex::new(Vec::new());

#[cfg(test)]
async fn note_seed(store: &mut Store<State>, instance: Instance) {
    let Ok(seed) = instance.get_typed_func::<(), u32>(&mut *store, "hash_seed") else { return };
    if let Ok(seed) = seed.call_async(&mut *store, ()).await {
        lock(&SEEDS).push(seed);
    }
}
