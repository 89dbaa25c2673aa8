//! Threads that compile, and everything else about code that takes long.
//!
//! There are few of them, at the lowest priority that still gets on, so that a module that takes
//! long to compile holds up other compilations and nothing else.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::executor::be_nice;

/// Jobs that wait; more are refused.
const QUEUE: usize = 1_024;

type Work = Box<dyn FnOnce() + Send>;

/// The threads.
pub(super) struct Pool {
    jobs: Option<SyncSender<Work>>,
    threads: Vec<JoinHandle<()>>,
}

/// Too many jobs wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Pool {
    pub(super) fn start(threads: usize) -> std::io::Result<Self> {
        let (jobs, queue) = sync_channel::<Work>(QUEUE);
        let queue = Arc::new(Mutex::new(queue));
        let runtime = tokio::runtime::Handle::try_current().ok();
        let mut pool = Self { jobs: Some(jobs), threads: Vec::new() };
        for number in 0..threads {
            let (queue, runtime) = (Arc::clone(&queue), runtime.clone());
            let thread =
                std::thread::Builder::new().name(format!("compile-{number}")).spawn(move || {
                    let _inside = runtime.as_ref().map(tokio::runtime::Handle::enter);
                    be_nice(super::compile::NICE);
                    work(&queue);
                })?;
            pool.threads.push(thread);
        }
        Ok(pool)
    }

    /// Queues a job.
    pub(super) fn run(&self, work: impl FnOnce() + Send + 'static) -> Result<(), Full> {
        let Some(jobs) = &self.jobs else { return Err(Full) };
        jobs.try_send(Box::new(work)).map_err(|error| match error {
            TrySendError::Full(_) | TrySendError::Disconnected(_) => Full,
        })
    }
}

fn work(queue: &Mutex<Receiver<Work>>) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(next) = next else { return };
        // The compiler works on what strangers sent. Whoever waits sees that its answer is gone.
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(next)).is_err() {
            tracing::error!("a compilation panicked");
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.jobs = None;
        // Not joined: nothing depends on the end of a compilation, and its child has a limit.
        self.threads.clear();
    }
}
