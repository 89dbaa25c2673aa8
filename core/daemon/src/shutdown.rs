//! Stopping in an order, and noticing when a part ends that should not.
//!
//! A process is made of [`Part`]s, each with a token that asks it to stop and with tasks that it
//! waits for. [`Parts::stop`] stops them one after the other, in the order in which they were made,
//! so whoever wires the process writes the order down by making them:
//!
//! not ready → nothing new accepted → runs finish or are returned → all applied → sandboxes removed
//! → log closed (`style.md` §7).
//!
//! A task that panics or ends by itself is told by [`Parts::failed`], and again by `stop`.

use std::io;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;

/// The parts of a process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Parts {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    parts: Mutex<Vec<Part>>,
    failed: watch::Sender<Option<Failure>>,
}

/// One part: a token and its tasks. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Part {
    name: &'static str,
    stop: CancellationToken,
    tasks: Arc<Mutex<Vec<Task>>>,
    failed: watch::Sender<Option<Failure>>,
}

#[derive(Debug)]
struct Task {
    name: &'static str,
    handle: JoinHandle<Option<Failure>>,
}

/// A task ended that should not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{part}: task {task} {how}")]
pub struct Failure {
    /// The part.
    pub part: &'static str,
    /// The task.
    pub task: &'static str,
    /// What happened, and the chain of causes.
    pub how: String,
}

/// What did not go as it should while the process stopped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stopped {
    /// Tasks that ended in an error or a panic, at any time.
    pub failures: Vec<Failure>,
    /// Tasks that did not end in time and were dropped: part and task.
    pub late: Vec<(&'static str, &'static str)>,
}

impl Stopped {
    /// Whether every task ended as asked.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.failures.is_empty() && self.late.is_empty()
    }
}

impl Parts {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        let failed = watch::Sender::new(None);
        Self { shared: Arc::new(Shared { parts: Mutex::default(), failed }) }
    }

    /// A further part: it is stopped after those that were made before it.
    #[must_use]
    pub fn part(&self, name: &'static str) -> Part {
        let part = Part {
            name,
            stop: CancellationToken::new(),
            tasks: Arc::default(),
            failed: self.shared.failed.clone(),
        };
        locked(&self.shared.parts).push(part.clone());
        part
    }

    /// Waits for the first task that ends without having been asked to. Cancel-safe.
    pub async fn failed(&self) -> Failure {
        let mut failed = self.shared.failed.subscribe();
        loop {
            if let Some(failure) = &*failed.borrow_and_update() {
                return failure.clone();
            }
            // Cannot fail: the sender is held by `self`.
            failed.changed().await.ok();
        }
    }

    /// Stops the parts in order. A part gets the rest of `grace`, at least a tenth of it; its tasks
    /// that have not ended by then are dropped where they wait.
    pub async fn stop(&self, clock: &Clock, grace: Duration) -> Stopped {
        let last = clock.now() + grace;
        let parts = locked(&self.shared.parts).clone();
        let mut stopped = Stopped::default();
        for part in parts {
            part.stop.cancel();
            let until = last.max(clock.now() + grace / 10);
            // A task may start others until the moment it ends.
            loop {
                let Some(mut task) = locked(&part.tasks).pop() else { break };
                match clock.within(until, &mut task.handle).await {
                    Some(end) => stopped.failures.extend(part.judge(task.name, end)),
                    None => {
                        task.handle.abort();
                        stopped.late.push((part.name, task.name));
                    }
                }
            }
            tracing::debug!(part = part.name, "part stopped");
        }
        stopped
    }
}

impl Default for Parts {
    fn default() -> Self {
        Self::new()
    }
}

impl Part {
    /// Asks the tasks of this part to stop. Hand clones to whoever must know.
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Runs `task` until it ends; it should end soon after the token is cancelled, and not before.
    /// An `Err` is a failure whenever it comes.
    pub fn spawn<E>(
        &self,
        name: &'static str,
        task: impl Future<Output = Result<(), E>> + Send + 'static,
    ) where
        E: std::error::Error,
    {
        let (part, stop, failed) = (self.name, self.stop.clone(), self.failed.clone());
        // Tells of a panic too: it is dropped in any case.
        let mut watch = Watch { part, task: name, failed, ended: false };
        let handle = tokio::spawn(async move {
            let how = match task.await {
                Ok(()) if stop.is_cancelled() => None,
                Ok(()) => Some("ended though nobody asked it to".to_owned()),
                Err(error) => Some(format!("failed: {}", chain(&error))),
            };
            watch.ended = true;
            let failure = how.map(|how| Failure { part, task: name, how });
            watch.tell(failure.clone());
            failure
        });
        locked(&self.tasks).push(Task { name, handle });
    }

    fn judge(
        &self,
        task: &'static str,
        end: Result<Option<Failure>, JoinError>,
    ) -> Option<Failure> {
        end.unwrap_or_else(|end| {
            let how = match end.try_into_panic() {
                Ok(panic) => format!("panicked: {}", panic_text(&*panic)),
                Err(_) => return None, // dropped with its runtime
            };
            Some(Failure { part: self.name, task, how })
        })
    }
}

/// Tells the first failure of all tasks; also when its task panics, as it is dropped then.
struct Watch {
    part: &'static str,
    task: &'static str,
    failed: watch::Sender<Option<Failure>>,
    ended: bool,
}

impl Watch {
    fn tell(&self, failure: Option<Failure>) {
        if let Some(failure) = failure {
            self.failed.send_if_modified(|first| {
                let is_first = first.is_none();
                first.get_or_insert(failure);
                is_first
            });
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.ended && std::thread::panicking() {
            let how = "panicked".to_owned();
            self.tell(Some(Failure { part: self.part, task: self.task, how }));
        }
    }
}

/// The signals that end a process.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// From now on SIGINT and SIGTERM come here and no longer end the process.
    ///
    /// # Errors
    /// What the system says; the signals do then what they always did.
    pub fn listen() -> io::Result<Self> {
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next signal and says its name. Cancel-safe.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            Some(()) = self.interrupt.recv() => "SIGINT",
            Some(()) = self.terminate.recv() => "SIGTERM",
            else => std::future::pending().await,
        }
    }

    /// Lets the next signal end the process at once, with 130: the operator did not want to wait.
    /// What was promised is in the log; the next start puts the rest in order.
    pub fn next_ends_at_once(mut self) {
        // Ends with the process.
        drop(tokio::spawn(async move {
            let signal = self.next().await;
            tracing::warn!(signal, "second signal, ended at once");
            end_now(130);
        }));
    }
}

/// What `main` returns when it stopped after a signal.
#[must_use]
pub fn exit_code(stopped: &Stopped) -> ExitCode {
    if stopped.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[expect(clippy::disallowed_methods, reason = "the second signal asks for exactly that")]
fn end_now(code: i32) -> ! {
    std::process::exit(code)
}

/// An error and its causes, in one line.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// What the locks guard is changed in one step, so a panic cannot leave it half done.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(20);

    async fn wait_for(token: CancellationToken) -> io::Result<()> {
        token.cancelled().await;
        Ok(())
    }

    #[tokio::test]
    async fn parts_stop_one_after_the_other() {
        let (parts, order) = (Parts::new(), Arc::new(Mutex::new(Vec::new())));
        for name in ["http", "invoker", "log"] {
            let part = parts.part(name);
            let (token, order) = (part.token(), order.clone());
            part.spawn("main", async move {
                token.cancelled().await;
                tokio::task::yield_now().await;
                order.lock().unwrap().push(name);
                Ok::<_, io::Error>(())
            });
        }
        assert!(parts.stop(&Clock::system(), GRACE).await.is_clean());
        assert_eq!(*order.lock().unwrap(), ["http", "invoker", "log"]);
    }

    #[tokio::test]
    async fn a_task_that_fails_panics_or_just_ends_is_told() {
        type End = fn() -> io::Result<()>;
        let cases: [(&str, End); 3] = [
            ("failed: disk on fire", || Err(io::Error::other("disk on fire"))),
            ("panicked: no way", || panic!("no way")),
            ("ended though nobody asked it to", || Ok(())),
        ];
        for (how, end) in cases {
            let parts = Parts::new();
            let part = parts.part("owner");
            part.spawn("waits", wait_for(part.token()));
            part.spawn("fold", async move { end() });
            let first = parts.failed().await;
            assert_eq!((first.part, first.task), ("owner", "fold"));
            assert!(how.starts_with(&first.how), "{first}");
            let stopped = parts.stop(&Clock::system(), GRACE).await;
            let expected = Failure { part: "owner", task: "fold", how: how.to_owned() };
            assert_eq!(stopped, Stopped { failures: vec![expected], late: vec![] });
        }
    }

    #[tokio::test]
    async fn who_does_not_stop_in_time_is_dropped_and_named() {
        let parts = Parts::new();
        parts.part("invoker").spawn("deaf", std::future::pending::<Result<(), io::Error>>());
        let log = parts.part("log");
        log.spawn("writer", wait_for(log.token()));
        let stopped = parts.stop(&Clock::system(), Duration::from_millis(20)).await;
        assert_eq!(stopped.late, [("invoker", "deaf")]);
        assert!(!stopped.is_clean());
    }

    #[tokio::test]
    async fn a_signal_is_named() {
        let mut signals = Signals::listen().unwrap();
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TERM)
            .unwrap();
        assert_eq!(signals.next().await, "SIGTERM");
    }
}
