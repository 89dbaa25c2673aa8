//! Threads that run guests, and who of those that wait comes next.
//!
//! A task is a future that holds one instance. Tasks that have used less than 5 ms go first, in the
//! order in which they came; the others by the time that their namespace, then they themselves have
//! used. Guests are interrupted by epochs: a ticker raises the epoch every millisecond while
//! something runs, and [`Turn::over`] says whether a guest has to let others go ahead.
//!
//! Source of the rule: `design.md` §7.

mod queue;
mod timer;

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

use model::name::Namespace;

use self::queue::Queue;
pub(crate) use self::timer::Sleep;
use self::timer::Timers;

/// How long a guest runs before others may go ahead.
pub(crate) const SLICE: Duration = Duration::from_millis(5);
/// How often the epoch is raised while something runs.
const TICK: Duration = Duration::from_millis(1);
/// Ticks without anything running after which the ticker goes to sleep. It does not do so at once,
/// because waking it costs each call more than ticking on does.
const LINGER: u32 = 50;
/// Looks at its flag so often before an idle thread goes to sleep: some microseconds, which spare a
/// busy server many of the wake-ups that cost 25 µs each.
const SPINS: u32 = 200;
/// Below the threads that answer requests and write the log.
const NICE: i32 = 5;

/// What a task runs.
pub(crate) type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A handle on the threads; the last one to be dropped ends them.
pub(crate) struct Executor {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// What the threads share.
pub(crate) struct Shared {
    queue: Mutex<Queue<Arc<Task>>>,
    /// One per thread: told to look at the queue again.
    sleepers: Vec<Sleeper>,
    /// Tasks that wait and have used less than [`SLICE`].
    fresh: AtomicUsize,
    /// Threads in the middle of a poll.
    running: AtomicUsize,
    ticking: AtomicBool,
    closed: AtomicBool,
    ticker: OnceLock<Thread>,
    timers: Mutex<Timers>,
    now: fn() -> Duration,
}

#[derive(Default)]
struct Sleeper {
    woken: AtomicBool,
    thread: OnceLock<Thread>,
}

/// One instance in the making, running or waiting.
pub(crate) struct Task {
    shared: Arc<Shared>,
    namespace: Namespace,
    work: Mutex<Option<Work>>,
    state: AtomicU8,
    turn: Arc<Turn>,
}

/// Nothing to do until it is woken.
const WAITING: u8 = 0;
/// In the queue.
const QUEUED: u8 = 1;
/// Being polled.
const RUNNING: u8 = 2;
/// Woken while it was being polled.
const AGAIN: u8 = 3;
/// Over.
const ENDED: u8 = 4;

/// The time that a task has had, as its guest sees it, and whether it is to stop.
pub(crate) struct Turn {
    shared: Arc<Shared>,
    /// Used before this turn, nanoseconds.
    used: AtomicU64,
    /// When this turn began, nanoseconds.
    began: AtomicU64,
    yielded: AtomicBool,
    stop: AtomicBool,
}

impl Turn {
    /// Whether the guest has to let others go ahead.
    pub(crate) fn over(&self) -> bool {
        let now = nanos(self.now());
        let this = now.saturating_sub(self.began.load(Ordering::Relaxed));
        let all = this + self.used.load(Ordering::Relaxed);
        let slice = nanos(SLICE);
        let over = this >= slice
            || self.is_stopped()
            || self.shared.closed.load(Ordering::Relaxed)
            || all >= slice && self.shared.fresh.load(Ordering::Relaxed) > 0;
        if over {
            self.yielded.store(true, Ordering::Relaxed);
        }
        over
    }

    /// Whether the last poll ended because the turn was over; asked once per poll.
    pub(crate) fn take_yielded(&self) -> bool {
        self.yielded.swap(false, Ordering::Relaxed)
    }

    /// Notes that the guest lets others go ahead by itself.
    pub(crate) fn note_yield(&self) {
        self.yielded.store(true, Ordering::Relaxed);
    }

    /// Whether it is to stop.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    pub(crate) fn now(&self) -> Duration {
        (self.shared.now)()
    }

    /// Ends at `until`, within a millisecond.
    pub(crate) fn sleep_until(&self, until: Duration) -> Sleep {
        Sleep::new(Arc::clone(&self.shared), until)
    }
}

impl Executor {
    /// Starts `threads` threads and a ticker that calls `tick`.
    ///
    /// # Errors
    /// What the system says if it gives no thread.
    pub(crate) fn start(
        threads: usize,
        now: fn() -> Duration,
        tick: impl Fn() + Send + 'static,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            sleepers: (0..threads).map(|_| Sleeper::default()).collect(),
            fresh: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            ticking: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            ticker: OnceLock::new(),
            timers: Mutex::default(),
            now,
        });
        let mut executor = Self { shared: Arc::clone(&shared), threads: Vec::new() };
        let runtime = tokio::runtime::Handle::try_current().ok();
        for number in 0..threads {
            let (worker, runtime) = (Arc::clone(&shared), runtime.clone());
            let thread =
                std::thread::Builder::new().name(format!("guest-{number}")).spawn(move || {
                    // What a driver is handed (`Codes`) may expect to be polled inside it.
                    let _inside = runtime.as_ref().map(tokio::runtime::Handle::enter);
                    be_nice(NICE);
                    worker.work(number);
                })?;
            let _ = shared.sleepers[number].thread.set(thread.thread().clone());
            executor.threads.push(thread);
        }
        let ticker =
            std::thread::Builder::new().name("guest-ticker".to_owned()).spawn(move || {
                shared.tick(&tick);
            })?;
        let _ = executor.shared.ticker.set(ticker.thread().clone());
        executor.threads.push(ticker);
        Ok(executor)
    }

    /// Queues the future that `work` makes.
    pub(crate) fn spawn(
        &self,
        namespace: Namespace,
        work: impl FnOnce(Arc<Turn>) -> Work,
    ) -> Arc<Task> {
        let turn = Arc::new(Turn {
            shared: Arc::clone(&self.shared),
            used: AtomicU64::new(0),
            began: AtomicU64::new(0),
            yielded: AtomicBool::new(false),
            stop: AtomicBool::new(false),
        });
        let task = Arc::new(Task {
            shared: Arc::clone(&self.shared),
            namespace,
            work: Mutex::new(Some(work(Arc::clone(&turn)))),
            state: AtomicU8::new(QUEUED),
            turn,
        });
        self.shared.push(Arc::clone(&task), false);
        task
    }

    /// Ends at `until`, within a millisecond.
    pub(crate) fn sleep_until(&self, until: Duration) -> Sleep {
        Sleep::new(Arc::clone(&self.shared), until)
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        for sleeper in &self.shared.sleepers {
            sleeper.wake();
        }
        for thread in &self.threads {
            thread.thread().unpark();
        }
        // A driver may be dropped by what one of its own threads runs last. The threads then end
        // behind it.
        let here = std::thread::current().id();
        let is_inside = self.threads.iter().any(|thread| thread.thread().id() == here);
        for thread in self.threads.drain(..).filter(|_| !is_inside) {
            let _ = thread.join();
        }
        // What is left ends here, or when what it waits for wakes it: see `push`.
        let left = lock(&self.shared.queue).close();
        for task in left {
            task.end();
        }
        let timers = std::mem::take(&mut *lock(&self.shared.timers));
        for waker in timers.all() {
            waker.wake();
        }
    }
}

impl Task {
    /// Tells it to stop: its future sees it when it is polled next, which is soon.
    pub(crate) fn stop(self: &Arc<Self>) {
        self.turn.stop.store(true, Ordering::Release);
        self.wake_by_ref();
    }

    /// Drops its future, which tells whoever waits for it.
    fn end(&self) {
        let work = lock(&self.work).take();
        let _ = std::panic::catch_unwind(AssertUnwindSafe(|| drop(work)));
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let woken = |state| match state {
            WAITING => Some(QUEUED),
            RUNNING => Some(AGAIN),
            _ => None,
        };
        let was = self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, woken);
        if was == Ok(WAITING) {
            self.shared.push(Arc::clone(self), false);
        }
    }
}

impl Sleeper {
    fn wake(&self) {
        self.woken.store(true, Ordering::Release);
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    fn sleep(&self, closed: &AtomicBool) {
        let is_woken = || self.woken.swap(false, Ordering::AcqRel) || closed.load(Ordering::SeqCst);
        for _ in 0..SPINS {
            if self.woken.load(Ordering::Relaxed) {
                break;
            }
            std::hint::spin_loop();
        }
        while !is_woken() {
            std::thread::park();
        }
    }
}

impl Shared {
    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Queues a task. `comes_back` if it was taken from among those that have used their slice.
    fn push(&self, task: Arc<Task>, comes_back: bool) {
        let used = Duration::from_nanos(task.turn.used.load(Ordering::Relaxed));
        let is_fresh = used < SLICE;
        if is_fresh {
            self.fresh.fetch_add(1, Ordering::Relaxed);
        }
        let namespace = task.namespace.clone();
        let idle = {
            let mut queue = lock(&self.queue);
            if queue.is_closed() {
                drop(queue);
                task.end();
                return;
            }
            if is_fresh {
                queue.push_fresh(task);
            } else {
                queue.push_spent(&namespace, used, task, comes_back);
            }
            queue.idle.pop()
        };
        if let Some(idle) = idle {
            self.sleepers[idle].wake();
        }
    }

    /// The life of a guest thread.
    fn work(self: &Arc<Self>, number: usize) {
        loop {
            let task = {
                let mut queue = lock(&self.queue);
                let next = queue.pop();
                if next.is_none() {
                    queue.idle.push(number);
                }
                next
            };
            match task {
                Some(task) => self.run(task),
                None if self.is_closed() => return,
                None => self.sleepers[number].sleep(&self.closed),
            }
        }
    }

    /// Polls a task once. When all is to end, it ends the task instead.
    fn run(&self, task: Arc<Task>) {
        let used_before = task.turn.used.load(Ordering::Relaxed);
        if Duration::from_nanos(used_before) < SLICE {
            self.fresh.fetch_sub(1, Ordering::Relaxed);
        }
        task.state.store(RUNNING, Ordering::Release);
        self.running.fetch_add(1, Ordering::SeqCst);
        // In this order: the ticker ends when it sees that all is to end and that nothing runs, and
        // without it a guest runs for ever.
        if self.is_closed() {
            self.running.fetch_sub(1, Ordering::SeqCst);
            task.end();
            return;
        }
        if !self.ticking.load(Ordering::SeqCst)
            && !self.ticking.swap(true, Ordering::SeqCst)
            && let Some(ticker) = self.ticker.get()
        {
            ticker.unpark();
        }
        let began = nanos((self.now)());
        task.turn.began.store(began, Ordering::Relaxed);

        let is_over = self.poll(&task);

        let used = nanos((self.now)()).saturating_sub(began);
        task.turn.used.store(used_before + used, Ordering::Relaxed);
        self.running.fetch_sub(1, Ordering::SeqCst);
        if Duration::from_nanos(used_before + used) >= SLICE {
            lock(&self.queue).note_used(&task.namespace, used_before + used, used);
        }
        let was_spent = Duration::from_nanos(used_before) >= SLICE;
        let rest = |state| Some(if state == AGAIN { QUEUED } else { WAITING });
        if is_over || self.is_closed() {
            // A task that waits may be held by nothing but what it waits for, and that by the task.
            task.state.store(ENDED, Ordering::Release);
            task.end();
        } else if task.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, rest) == Ok(AGAIN) {
            return self.push(task, was_spent);
        }
        if was_spent {
            lock(&self.queue).left(&task.namespace);
        }
    }

    fn poll(&self, task: &Arc<Task>) -> bool {
        let mut slot = lock(&task.work);
        let Some(work) = slot.as_mut() else { return true };
        let waker = Waker::from(Arc::clone(task));
        let mut context = Context::from_waker(&waker);
        // A panic of the host's must not take a guest thread with it. The future is dropped, and
        // tells that it came to no good end.
        let polled = std::panic::catch_unwind(AssertUnwindSafe(|| {
            work.as_mut().poll(&mut context) == Poll::Ready(())
        }));
        polled.unwrap_or(true)
    }

    /// The life of the ticker: raises the epoch while something runs, and fires timers.
    fn tick(&self, tick: &impl Fn()) {
        let mut quiet = LINGER;
        // When all is to end, guests that run still have to be interrupted.
        while !self.is_closed() || self.running.load(Ordering::SeqCst) > 0 {
            if self.running.load(Ordering::SeqCst) > 0 {
                tick();
                quiet = 0;
            } else {
                quiet = quiet.saturating_add(1);
            }
            let (due, next) = lock(&self.timers).due((self.now)());
            for waker in due {
                waker.wake();
            }
            if quiet < LINGER {
                std::thread::park_timeout(TICK);
                continue;
            }
            self.ticking.store(false, Ordering::SeqCst);
            if self.is_closed() || self.running.load(Ordering::SeqCst) > 0 {
                self.ticking.store(true, Ordering::SeqCst);
                continue;
            }
            match next {
                Some(next) => std::thread::park_timeout(next.saturating_sub((self.now)())),
                None => std::thread::park(),
            }
        }
    }
}

/// Lowers the priority of the calling thread; on Linux a nice value belongs to a thread.
pub(crate) fn be_nice(nice: i32) {
    if let Err(error) = rustix::process::setpriority_process(None, nice) {
        tracing::debug!(%error, nice, "priority of a thread cannot be lowered");
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
