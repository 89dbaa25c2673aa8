//! Who comes next. Pure: it knows no thread and no clock.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use model::name::Namespace;

use super::SLICE;

/// Tasks that wait for a thread, and threads that wait for a task.
pub(super) struct Queue<T> {
    fresh: VecDeque<T>,
    shares: BTreeMap<Namespace, Share<T>>,
    /// What the namespaces that want to run have used, more or less: where one begins that comes.
    floor: Duration,
    arrivals: u64,
    /// Threads that sleep; the last to fall asleep is woken first.
    pub(super) idle: Vec<usize>,
    closed: bool,
}

/// What one namespace has used beyond the first 5 ms of each of its tasks.
struct Share<T> {
    used: Duration,
    /// Tasks of it that were popped and have neither come back nor left.
    running: usize,
    /// Those that wait, by the time they have used and by when they came.
    waiting: BTreeMap<(Duration, u64), T>,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self {
            fresh: VecDeque::new(),
            shares: BTreeMap::new(),
            floor: Duration::ZERO,
            arrivals: 0,
            idle: Vec::new(),
            closed: false,
        }
    }
}

impl<T> Queue<T> {
    /// A task that has used less than [`SLICE`].
    pub(super) fn push_fresh(&mut self, task: T) {
        self.fresh.push_back(task);
    }

    /// A task that has used more. `comes_back` if it was popped as such a one.
    pub(super) fn push_spent(
        &mut self,
        namespace: &Namespace,
        used: Duration,
        task: T,
        comes_back: bool,
    ) {
        self.arrivals += 1;
        let (arrival, floor) = (self.arrivals, self.floor);
        let share = self.share(namespace);
        if comes_back {
            share.running = share.running.saturating_sub(1);
        } else if share.running == 0 && share.waiting.is_empty() {
            // Having been away earns nothing.
            share.used = share.used.max(floor);
        }
        share.waiting.insert((used, arrival), task);
    }

    /// A task that was popped from among the spent does not come back now.
    pub(super) fn left(&mut self, namespace: &Namespace) {
        let share = self.share(namespace);
        share.running = share.running.saturating_sub(1);
    }

    /// Takes the next.
    pub(super) fn pop(&mut self) -> Option<T> {
        if let Some(task) = self.fresh.pop_front() {
            return Some(task);
        }
        let waiting = self.shares.values_mut().filter(|share| !share.waiting.is_empty());
        let share = waiting.min_by_key(|share| share.used)?;
        let (_, task) = share.waiting.pop_first()?;
        share.running += 1;
        self.floor = self.floor.max(share.used);
        Some(task)
    }

    /// Takes all; from now on nothing may be pushed.
    pub(super) fn close(&mut self) -> Vec<T> {
        self.closed = true;
        std::iter::from_fn(|| self.pop()).collect()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Books what a task used: `used` nanoseconds just now, `all` since it began.
    pub(super) fn note_used(&mut self, namespace: &Namespace, all: u64, used: u64) {
        let beyond = Duration::from_nanos(all).saturating_sub(SLICE);
        let used = Duration::from_nanos(used).min(beyond);
        self.share(namespace).used += used;
        self.forget();
    }

    fn share(&mut self, namespace: &Namespace) -> &mut Share<T> {
        let used = self.floor;
        self.shares.entry(namespace.clone()).or_insert_with(|| Share {
            used,
            running: 0,
            waiting: BTreeMap::new(),
        })
    }

    /// Once there are many shares, those go for whom nothing waits.
    fn forget(&mut self) {
        const MANY: usize = 1_024;
        if self.shares.len() > MANY {
            self.shares.retain(|_, share| share.running > 0 || !share.waiting.is_empty());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn namespace(name: &str) -> Namespace {
        Namespace::new(name).unwrap()
    }

    #[test]
    fn what_is_fresh_goes_before_all_others_and_in_its_order() {
        let mut queue = Queue::default();
        queue.push_spent(&namespace("a"), SLICE, "spent", false);
        queue.push_fresh("first");
        queue.push_fresh("second");
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(order, ["first", "second", "spent"]);
    }

    #[test]
    fn namespaces_get_the_same_time_whatever_the_number_of_their_tasks() {
        let mut queue = Queue::default();
        let mut used: BTreeMap<&str, Duration> = BTreeMap::new();
        for number in 0..8 {
            queue.push_spent(&namespace("greedy"), SLICE, ("greedy", number), false);
        }
        queue.push_spent(&namespace("modest"), SLICE, ("modest", 0), false);
        let mut all: BTreeMap<(&str, i32), Duration> = BTreeMap::new();
        for _ in 0..160 {
            let task = queue.pop().unwrap();
            let total = all.entry(task).or_insert(SLICE);
            *total += SLICE;
            *used.entry(task.0).or_default() += SLICE;
            let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap();
            queue.note_used(&namespace(task.0), nanos(*total), nanos(SLICE));
            queue.push_spent(&namespace(task.0), *total, task, true);
        }
        assert_eq!(used["greedy"], used["modest"]);
        let greedy = all.iter().filter(|(task, _)| task.0 == "greedy").map(|(_, used)| *used);
        assert_eq!(greedy.clone().max(), greedy.min(), "and within a namespace by time used");
    }

    #[test]
    fn a_namespace_that_was_away_does_not_make_up_for_it() {
        let mut queue = Queue::default();
        let second = 1_000_000_000;
        for name in ["early", "steady"] {
            queue.push_spent(&namespace(name), SLICE, name, false);
        }
        assert_eq!(queue.pop(), Some("early"));
        queue.left(&namespace("early"));
        for _ in 0..10 {
            assert_eq!(queue.pop(), Some("steady"));
            queue.note_used(&namespace("steady"), 10 * second, second);
            queue.push_spent(&namespace("steady"), SLICE, "steady", true);
        }
        queue.push_spent(&namespace("early"), SLICE, "early", false);
        queue.push_spent(&namespace("new"), SLICE, "new", false);
        let mut used = |name| queue.share(&namespace(name)).used.as_secs();
        assert_eq!((used("early"), used("new"), used("steady")), (9, 9, 10));
    }
}
