//! What arrives in a folder, as the system tells it.
//!
//! The kernel keeps what we have not read yet, and says when that was too much; here is little of
//! it. So a folder with a million files takes no memory, and a slow server holds nothing up but
//! itself. A thread of its own waits for events, as they cannot be waited for in another safe way.

use std::ffi::{CStr, OsStr, OsString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;
use tokio::sync::mpsc::{self, Receiver, Sender};

/// Room for what is read at once: at least 15 of the longest names.
const BUFFER: usize = 4096;
/// Events that wait here; the others wait in the kernel.
const WAITING: usize = 16;

/// What happened in the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Something of this name was renamed into it, or closed after it was written.
    File(OsString),
    /// More than the kernel keeps: look for yourself.
    Missed,
    /// The folder is gone, or called otherwise. The last one.
    Gone,
}

/// What arrives from now on. Dropped, it ends its thread.
#[derive(Debug)]
pub(super) struct Arrivals {
    events: Arc<OwnedFd>,
    watch: i32,
    arrivals: Receiver<io::Result<Arrival>>,
    thread: Option<JoinHandle<()>>,
}

impl Arrivals {
    /// Begins to listen: what arrives after this is told.
    pub(super) fn begin(folder: &Path) -> io::Result<Self> {
        let events = Arc::new(inotify::init(CreateFlags::CLOEXEC)?);
        let arrives = WatchFlags::CLOSE_WRITE | WatchFlags::MOVED_TO;
        let goes = WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF;
        let watch = inotify::add_watch(&events, folder, arrives | goes | WatchFlags::ONLYDIR)?;
        let (sender, arrivals) = mpsc::channel(WAITING);
        let from = Arc::clone(&events);
        let thread = std::thread::Builder::new().name("arrivals".to_owned());
        let thread = Some(thread.spawn(move || read(&from, &sender))?);
        Ok(Self { events, watch, arrivals, thread })
    }

    /// The next one; waits for it. Nothing is lost if this is dropped.
    pub(super) async fn next(&mut self) -> io::Result<Arrival> {
        self.arrivals.recv().await.unwrap_or(Ok(Arrival::Gone))
    }
}

impl Drop for Arrivals {
    fn drop(&mut self) {
        self.arrivals.close();
        // The end of a watch is an event as well: it wakes the thread. It fails if it has ended by
        // itself, because the folder is gone; then the thread was told so.
        let _ = inotify::remove_watch(&self.events, self.watch);
        if let Some(thread) = self.thread.take() {
            // It cannot have panicked; and if it had, we are at the end anyway.
            let _ = thread.join();
        }
    }
}

/// Passes events on until the folder is gone or nobody listens.
fn read(events: &OwnedFd, sender: &Sender<io::Result<Arrival>>) {
    let mut buffer = [MaybeUninit::uninit(); BUFFER];
    let mut reader = inotify::Reader::new(events, &mut buffer);
    loop {
        let arrival = match reader.next() {
            Ok(event) => arrival(event.events(), event.file_name()).map(Ok),
            Err(Errno::INTR) => None,
            Err(errno) => Some(Err(errno.into())),
        };
        let Some(arrival) = arrival else { continue };
        let is_last = !matches!(arrival, Ok(Arrival::File(_) | Arrival::Missed));
        if sender.blocking_send(arrival).is_err() || is_last {
            return;
        }
    }
}

fn arrival(what: ReadFlags, name: Option<&CStr>) -> Option<Arrival> {
    let gone = ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF | ReadFlags::UNMOUNT;
    if what.contains(ReadFlags::QUEUE_OVERFLOW) {
        Some(Arrival::Missed)
    } else if what.intersects(gone | ReadFlags::IGNORED) {
        Some(Arrival::Gone)
    } else if what.contains(ReadFlags::ISDIR) {
        None
    } else {
        name.map(|name| Arrival::File(OsStr::from_bytes(name.to_bytes()).to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn files_are_told_when_they_are_whole() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("before"), "x").unwrap();
        let mut arrivals = Arrivals::begin(folder.path()).unwrap();
        let open = std::fs::File::create(at("written")).unwrap();
        std::fs::create_dir(at("folder")).unwrap();
        std::fs::rename(at("before"), at("renamed")).unwrap();
        std::fs::read(at("renamed")).unwrap();
        drop(open);
        std::fs::remove_dir_all(folder.path()).unwrap();
        let mut told = Vec::new();
        loop {
            told.push(arrivals.next().await.unwrap());
            if told.last() == Some(&Arrival::Gone) {
                break;
            }
        }
        let file = |name: &str| Arrival::File(name.into());
        assert_eq!(told, [file("renamed"), file("written"), Arrival::Gone]);
    }

    #[test]
    fn one_that_is_not_wanted_any_more_ends_its_thread() {
        let folder = tempfile::tempdir().unwrap();
        for files in [0, 100] {
            let arrivals = Arrivals::begin(folder.path()).unwrap();
            for name in 0..files {
                std::fs::write(folder.path().join(name.to_string()), "").unwrap();
            }
            drop(arrivals);
        }
    }

    #[test]
    fn what_was_too_much_is_told() {
        assert_eq!(arrival(ReadFlags::QUEUE_OVERFLOW, None), Some(Arrival::Missed));
    }

    #[test]
    fn a_file_is_no_folder() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(Arrivals::begin(file.path()).is_err());
    }
}
