//! When the owner must look at an open activation again: one deadline each.

use std::collections::BTreeMap;

use model::id::ActivationId;
use model::time::Moment;

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// It waited long enough for a slot.
    Queue,
    /// A sequence ran long enough as a whole.
    Whole,
    /// The invoker should have told long ago how the attempt ended.
    Attempt,
    /// What was decided could not be written; it is tried again.
    Again,
}

/// The deadlines of all open activations.
#[derive(Debug, Default)]
pub struct Deadlines {
    by_time: BTreeMap<(Moment, ActivationId), Due>,
    by_id: BTreeMap<ActivationId, Moment>,
}

impl Deadlines {
    /// Sets the deadline of an activation; a former one goes.
    pub fn arm(&mut self, id: ActivationId, at: Moment, due: Due) {
        self.disarm(id);
        self.by_id.insert(id, at);
        self.by_time.insert((at, id), due);
    }

    /// Forgets the deadline of an activation.
    pub fn disarm(&mut self, id: ActivationId) {
        if let Some(at) = self.by_id.remove(&id) {
            self.by_time.remove(&(at, id));
        }
    }

    /// Whether one is set for an activation.
    #[must_use]
    pub fn is_armed(&self, id: ActivationId) -> bool {
        self.by_id.contains_key(&id)
    }

    /// The next one that is due by `now`; it is forgotten.
    pub fn next_due(&mut self, now: Moment) -> Option<(ActivationId, Due)> {
        let (&(at, id), &due) = self.by_time.first_key_value()?;
        (at <= now).then(|| {
            self.disarm(id);
            (id, due)
        })
    }

    /// When the first is due.
    #[must_use]
    pub fn first(&self) -> Option<Moment> {
        self.by_time.first_key_value().map(|(&(at, _), _)| at)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_last_deadline_of_an_activation_counts() {
        let at = |ms| Moment::after_start(Duration::from_millis(ms));
        let (a, b) = (ActivationId::from_bytes([1; 16]), ActivationId::from_bytes([2; 16]));
        let mut deadlines = Deadlines::default();
        deadlines.arm(a, at(10), Due::Queue);
        deadlines.arm(b, at(20), Due::Whole);
        deadlines.arm(a, at(30), Due::Attempt);
        assert_eq!(deadlines.first(), Some(at(20)));
        assert_eq!(deadlines.next_due(at(19)), None);
        assert_eq!(deadlines.next_due(at(25)), Some((b, Due::Whole)));
        deadlines.disarm(a);
        assert_eq!(deadlines.next_due(at(99)), None);
    }
}
