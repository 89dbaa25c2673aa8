//! Fire marks: what makes a fire by the clock or by a source happen once and in order.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Happened, Void};
use crate::hash::{self, Sum, Table};
use crate::record::{EntityKey, FireKey};
use crate::rules::{Rule, Rules};

/// How far a schedule has fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleMark {
    /// Of the trigger.
    pub generation: u64,
    /// The last scheduled time that fired, UTC, milliseconds.
    pub last: i64,
    /// How often this generation has fired.
    pub fired: u64,
}

/// How far a partition of a source is consumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceMark {
    /// Of the feed.
    pub generation: u64,
    /// The next offset.
    pub next: u64,
}

/// All fire marks.
#[derive(Clone, Debug, Default)]
pub struct Fires {
    pub(crate) schedules: BTreeMap<EntityKey, ScheduleMark>,
    pub(crate) sources: BTreeMap<(EntityKey, u32), SourceMark>,
    sum: Sum,
}

impl Fires {
    pub(super) fn in_order(&self, fire: Option<&FireKey>, rules: Rules) -> Result<(), Void> {
        match fire {
            None => Ok(()),
            Some(FireKey::Schedule { trigger, generation, time, max }) => {
                let fired = match self.schedules.get(trigger) {
                    Some(mark) if *generation < mark.generation => {
                        return Err(Void::OldGeneration);
                    }
                    Some(mark) if *generation == mark.generation => {
                        if *time <= mark.last && rules.hold(Rule::M8LastFired) {
                            return Err(Void::FiredAlready);
                        }
                        mark.fired
                    }
                    Some(_) | None => 0,
                };
                if max.is_some_and(|max| fired >= max) { Err(Void::FireMax) } else { Ok(()) }
            }
            Some(FireKey::Source { feed, generation, partition, offset, skip_gap }) => {
                match self.sources.get(&(feed.clone(), *partition)) {
                    Some(mark) if *generation < mark.generation => Err(Void::OldGeneration),
                    Some(mark) if *generation == mark.generation => {
                        if *offset < mark.next && rules.hold(Rule::M8LastFired) {
                            Err(Void::FiredAlready)
                        } else if *offset > mark.next && !skip_gap {
                            Err(Void::FireGap)
                        } else {
                            Ok(())
                        }
                    }
                    // The first message of a generation says where it begins.
                    Some(_) | None => Ok(()),
                }
            }
        }
    }

    pub(super) fn note(&mut self, fire: &FireKey) {
        match fire {
            FireKey::Schedule { trigger, generation, time, .. } => {
                let fired = self
                    .schedules
                    .get(trigger)
                    .filter(|mark| mark.generation == *generation)
                    .map_or(0, |mark| mark.fired);
                let mark = ScheduleMark {
                    generation: *generation,
                    last: *time,
                    fired: fired.saturating_add(1),
                };
                self.set_schedule(trigger, mark);
            }
            FireKey::Source { feed, generation, partition, offset, .. } => {
                let mark = SourceMark { generation: *generation, next: offset.saturating_add(1) };
                self.set_source(&(feed.clone(), *partition), mark);
            }
        }
    }

    fn set_schedule(&mut self, trigger: &EntityKey, mark: ScheduleMark) {
        self.sum.add(hash::entry(Table::Schedule, &(trigger, mark)));
        if let Some(former) = self.schedules.insert(trigger.clone(), mark) {
            self.sum.remove(hash::entry(Table::Schedule, &(trigger, former)));
        }
    }

    fn set_source(&mut self, feed: &(EntityKey, u32), mark: SourceMark) {
        self.sum.add(hash::entry(Table::Source, &(feed, mark)));
        if let Some(former) = self.sources.insert(feed.clone(), mark) {
            self.sum.remove(hash::entry(Table::Source, &(feed, former)));
        }
    }

    /// Marks of dead generations go.
    pub(super) fn purge(&mut self, dead: &[(EntityKey, u64)], keys: u64) -> Vec<Happened> {
        let before = self.schedules.len() + self.sources.len();
        for (key, generation) in dead {
            if let Some(mark) =
                self.schedules.get(key).filter(|mark| mark.generation <= *generation)
            {
                self.sum.remove(hash::entry(Table::Schedule, &(key, mark)));
                self.schedules.remove(key);
            }
            let all = (key.clone(), 0)..=(key.clone(), u32::MAX);
            let of_feed: Vec<u32> = self
                .sources
                .range(all)
                .filter(|(_, mark)| mark.generation <= *generation)
                .map(|((_, partition), _)| *partition)
                .collect();
            for partition in of_feed {
                let feed = (key.clone(), partition);
                if let Some(mark) = self.sources.remove(&feed) {
                    self.sum.remove(hash::entry(Table::Source, &(&feed, mark)));
                }
            }
        }
        let gone = before - self.schedules.len() - self.sources.len();
        vec![Happened::Purged { keys, marks: gone as u64 }]
    }

    pub(crate) fn sum(&self) -> Sum {
        self.sum
    }

    pub(crate) fn restored(
        schedules: BTreeMap<EntityKey, ScheduleMark>,
        sources: BTreeMap<(EntityKey, u32), SourceMark>,
    ) -> Self {
        let mut fires = Self::default();
        schedules.into_iter().for_each(|(trigger, mark)| fires.set_schedule(&trigger, mark));
        sources.into_iter().for_each(|(feed, mark)| fires.set_source(&feed, mark));
        fires
    }
}
