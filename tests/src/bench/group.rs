//! Yardstick **G**: a bare group-commit loop on the disk of the server's data.
//!
//! A file that was filled with zeros and synced beforehand; what came while the disk was busy goes
//! out with the next `pwrite` and `fdatasync`. Threads lead in turn ([`Group::lead`]): who finds
//! nobody syncing does it, so that one writer alone costs no change of threads. Tasks, which must
//! not block, wait for a thread that does nothing else ([`Group::commit`]).

use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use hdrhistogram::Histogram;

use super::stats;

/// Bytes of a record: what a small accepted invocation takes in the ledger, as measured.
const RECORD: usize = 214;
/// Size of the file; then it begins anew.
const FILE: u64 = 64 << 20;

/// The file, and who waits for it.
pub struct Group {
    file: File,
    inner: Mutex<Inner>,
    work: Condvar,
    durable: AtomicU64,
}

#[derive(Default)]
struct Inner {
    buffer: Vec<u8>,
    at: u64,
    /// Records taken so far.
    taken: u64,
    leading: bool,
    closed: bool,
    wakers: Vec<Waker>,
    /// Writers that wait, by the number of their record.
    threads: VecDeque<(u64, Thread)>,
}

/// What was measured with so many writers.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Records per second.
    pub rate: f64,
    /// Of one record.
    pub latency: Histogram<u64>,
}

impl Group {
    /// Makes the file in `folder`.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn create(folder: &Path) -> Result<Self> {
        let path = folder.join(format!("yardstick-g.{}", std::process::id()));
        let file = File::create(&path).with_context(|| format!("create {}", path.display()))?;
        let zeros = vec![0; 1 << 20];
        for at in (0..FILE).step_by(zeros.len()) {
            file.write_all_at(&zeros, at)?;
        }
        file.sync_all()?;
        std::fs::remove_file(&path)?;
        let inner = Mutex::new(Inner::default());
        Ok(Self { file, inner, work: Condvar::new(), durable: AtomicU64::new(0) })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sync(&self, batch: &[u8], at: u64) {
        let written = self.file.write_all_at(batch, at).and_then(|()| self.file.sync_data());
        written.expect("a yardstick without a disk measures nothing");
    }

    fn is_durable(&self, ticket: u64) -> bool {
        self.durable.load(Ordering::Acquire) >= ticket
    }

    /// One record, durable when this returns. Blocks.
    pub fn lead(&self) {
        let mut inner = self.lock();
        let ticket = inner.take_record();
        if inner.leading {
            inner.threads.push_back((ticket, std::thread::current()));
        }
        while inner.leading {
            drop(inner);
            std::thread::park();
            if self.is_durable(ticket) {
                return;
            }
            inner = self.lock();
        }
        // Whoever led before may have taken this record along.
        if self.is_durable(ticket) {
            return;
        }
        inner.leading = true;
        let (batch, at, taken) = inner.take_batch();
        drop(inner);
        self.sync(&batch, at);
        self.durable.store(taken, Ordering::Release);
        let mut inner = self.lock();
        inner.leading = false;
        let later = inner.threads.partition_point(|(its, _)| *its <= taken);
        let followers: Vec<_> = inner.threads.drain(..later).collect();
        let next = inner.threads.front().map(|(_, thread)| thread.clone());
        drop(inner);
        // The disk first: who leads next is woken before those whose record is there.
        if let Some(next) = next {
            next.unpark();
        }
        followers.iter().filter(|(its, _)| *its != ticket).for_each(|(_, it)| it.unpark());
    }

    /// One record, durable when this is ready. Somebody has to [`Group::serve`].
    pub fn commit(&self) -> Commit<'_> {
        Commit { group: self, ticket: None }
    }

    /// Starts the thread that writes for tasks.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn serve(self: &Arc<Self>) -> Result<JoinHandle<()>> {
        let group = Arc::clone(self);
        let thread = std::thread::Builder::new().name("group-commit".to_owned());
        Ok(thread.spawn(move || group.write_for_tasks())?)
    }

    fn write_for_tasks(&self) {
        loop {
            let mut inner = self.lock();
            while inner.buffer.is_empty() {
                if inner.closed {
                    return;
                }
                inner.leading = false;
                inner = self.work.wait(inner).unwrap_or_else(PoisonError::into_inner);
            }
            inner.leading = true;
            let (batch, at, taken) = inner.take_batch();
            let wakers = std::mem::take(&mut inner.wakers);
            drop(inner);
            self.sync(&batch, at);
            self.durable.store(taken, Ordering::Release);
            wakers.into_iter().for_each(Waker::wake);
        }
    }

    /// Ends the thread of [`Group::serve`].
    pub fn close(&self) {
        self.lock().closed = true;
        self.work.notify_all();
    }
}

impl Inner {
    fn take_record(&mut self) -> u64 {
        self.buffer.extend_from_slice(&[b'x'; RECORD]);
        self.taken += 1;
        self.taken
    }

    fn take_batch(&mut self) -> (Vec<u8>, u64, u64) {
        let batch = std::mem::replace(&mut self.buffer, Vec::with_capacity(RECORD * 64));
        let length = batch.len() as u64;
        let at = if self.at + length > FILE { 0 } else { self.at };
        self.at = at + length;
        (batch, at, self.taken)
    }
}

/// Two records, one after the other, again and again, as long as this: the latency of both together.
/// With `others`, beside so many that pause so long before each two.
///
/// # Errors
/// The file cannot be made.
pub fn beside(
    folder: &Path,
    time: Duration,
    others: Option<(usize, Duration)>,
) -> Result<Histogram<u64>> {
    let group = Group::create(folder)?;
    let is_over = AtomicBool::new(false);
    let mut latency = stats::latencies();
    let (count, pause) = others.unwrap_or_default();
    std::thread::scope(|scope| {
        for _ in 0..count {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    std::thread::sleep(pause);
                    group.lead();
                    group.lead();
                }
            });
        }
        let begun = Instant::now();
        while begun.elapsed() < time {
            let before = Instant::now();
            group.lead();
            group.lead();
            stats::note(&mut latency, before.elapsed());
        }
        is_over.store(true, Ordering::Relaxed);
    });
    Ok(latency)
}

/// See [`Group::commit`].
pub struct Commit<'a> {
    group: &'a Group,
    ticket: Option<u64>,
}

impl Future for Commit<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.ticket.is_some_and(|ticket| self.group.is_durable(ticket)) {
            return Poll::Ready(());
        }
        let mut inner = self.group.lock();
        if self.ticket.is_none() {
            self.ticket = Some(inner.take_record());
        }
        inner.wakers.push(context.waker().clone());
        let is_idle = !inner.leading;
        drop(inner);
        if is_idle {
            self.group.work.notify_one();
        }
        Poll::Pending
    }
}

/// So many writers in a closed loop for so long.
///
/// # Errors
/// The file cannot be made.
pub fn measure(folder: &Path, writers: usize, time: Duration) -> Result<Measured> {
    let group = Group::create(folder)?;
    let begun = Instant::now();
    let write = || {
        let mut latency = stats::latencies();
        while begun.elapsed() < time {
            let sent = Instant::now();
            group.lead();
            stats::note(&mut latency, sent.elapsed());
        }
        latency
    };
    let mut latency = stats::latencies();
    std::thread::scope(|scope| -> Result<()> {
        let threads: Vec<_> = (0..writers).map(|_| scope.spawn(write)).collect();
        for thread in threads {
            let its = thread.join().map_err(|_| anyhow::anyhow!("a writer panicked"))?;
            latency.add(its)?;
        }
        Ok(())
    })?;
    Ok(Measured { rate: stats::rate(latency.len(), begun.elapsed()), latency })
}

/// `pwrite` and `fdatasync`, nothing else.
///
/// # Errors
/// The file cannot be made.
pub fn bare(folder: &Path, time: Duration) -> Result<Histogram<u64>> {
    let group = Group::create(folder)?;
    let mut latency = stats::latencies();
    let (begun, mut at) = (Instant::now(), 0);
    while begun.elapsed() < time {
        let sent = Instant::now();
        group.sync(&[b'x'; RECORD], at);
        stats::note(&mut latency, sent.elapsed());
        at = (at + RECORD as u64) % (FILE - RECORD as u64);
    }
    Ok(latency)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_writer_gets_on_with_others_and_alone() {
        let folder = tempfile::tempdir().unwrap();
        for writers in [1, 8] {
            let measured = measure(folder.path(), writers, Duration::from_millis(30)).unwrap();
            assert!(measured.latency.len() >= writers as u64, "{measured:?}");
        }
        assert!(!bare(folder.path(), Duration::from_millis(5)).unwrap().is_empty());
    }

    #[test]
    fn tasks_wait_for_the_thread_that_writes() {
        let folder = tempfile::tempdir().unwrap();
        let group = Arc::new(Group::create(folder.path()).unwrap());
        let thread = group.serve().unwrap();
        let all = (0..50).map(|_| async {
            group.commit().await;
            group.commit().await;
        });
        futures::executor::block_on(futures::future::join_all(all));
        group.close();
        thread.join().unwrap();
        assert_eq!(group.durable.load(Ordering::Relaxed), 100);
    }
}
