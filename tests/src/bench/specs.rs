//! The rows of issue 3 §7: what is measured, held against what, with which bar and aim.

use super::rows::Row;

/// What is to be reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Goal {
    AtLeast {
        bar: f64,
        aim: f64,
    },
    AtMost {
        bar: f64,
        aim: f64,
    },
    /// Nothing: it is there to be seen.
    Shown,
}

impl Goal {
    /// Bar and aim, if there are any.
    pub(super) fn numbers(self) -> Option<(f64, f64)> {
        match self {
            Self::AtLeast { bar, aim } | Self::AtMost { bar, aim } => Some((bar, aim)),
            Self::Shown => None,
        }
    }
}

/// What a value is held against.
#[derive(Clone, Copy, Debug)]
pub(super) enum Against {
    Nothing,
    Ratio(&'static str),
    Difference(&'static str),
}

/// A yardstick that has a floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Yard {
    H,
    I,
    G,
}

/// One line of the table in the issue.
pub(super) struct Spec {
    pub(super) row: Row,
    pub(super) title: &'static str,
    pub(super) value: &'static str,
    pub(super) unit: &'static str,
    /// The load whose CPU and company belong to it.
    pub(super) load: &'static str,
    pub(super) against: Against,
    pub(super) goal: Goal,
    pub(super) needs: &'static [Yard],
}

const Y: &[Yard] = &[Yard::H, Yard::I, Yard::G];

pub(super) const SPECS: &[Spec] = &[
    Spec {
        row: Row::Sync16,
        title: "blocking, synced, 16 connections",
        value: "sync16.rate",
        unit: "/s",
        load: "sync16",
        against: Against::Ratio("y16.rate"),
        goal: Goal::AtLeast { bar: 0.55, aim: 0.80 },
        needs: Y,
    },
    Spec {
        row: Row::Sync64,
        title: "blocking, synced, 64 connections",
        value: "sync64.rate",
        unit: "/s",
        load: "sync64",
        against: Against::Ratio("y64.rate"),
        goal: Goal::AtLeast { bar: 0.55, aim: 0.80 },
        needs: Y,
    },
    Spec {
        row: Row::Sync1,
        title: "blocking, synced, 1 connection, p50",
        value: "sync1.p50",
        unit: "µs",
        load: "sync1",
        against: Against::Difference("y1.p50"),
        goal: Goal::AtMost { bar: 150.0, aim: 60.0 },
        needs: Y,
    },
    Spec {
        row: Row::Os64,
        title: "blocking, os, 64 connections",
        value: "os64.rate",
        unit: "/s",
        load: "os64",
        against: Against::Ratio("h64.rate"),
        goal: Goal::AtLeast { bar: 0.30, aim: 0.50 },
        needs: &[Yard::H],
    },
    Spec {
        row: Row::Accept,
        title: "accepts, synced, 64 connections, invoker held",
        value: "accept.rate",
        unit: "/s",
        load: "accept",
        against: Against::Ratio("g64.rate"),
        goal: Goal::AtLeast { bar: 0.30, aim: 0.50 },
        needs: &[Yard::G],
    },
    Spec {
        row: Row::Cold,
        title: "first call of a module, os, 1 connection, p50",
        value: "cold.p50",
        unit: "µs",
        load: "cold",
        against: Against::Difference("warm.p50"),
        goal: Goal::AtMost { bar: 200.0, aim: 60.0 },
        needs: &[],
    },
    Spec {
        row: Row::Cold,
        title: "first call of a module, os, 1 connection, p99",
        value: "cold.p99",
        unit: "µs",
        load: "cold",
        against: Against::Difference("warm.p99"),
        goal: Goal::AtMost { bar: 1000.0, aim: 300.0 },
        needs: &[],
    },
    Spec {
        row: Row::Cold,
        title: "first calls, os, 64 connections",
        value: "cold64.rate",
        unit: "/s",
        load: "cold64",
        against: Against::Nothing,
        goal: Goal::AtLeast { bar: 5_000.0, aim: 20_000.0 },
        needs: &[],
    },
    Spec {
        row: Row::Sequence,
        title: "sequence of 2: added p50 per step",
        value: "seq2.step",
        unit: "µs",
        load: "seq2",
        against: Against::Ratio("bare.p50"),
        goal: Goal::AtMost { bar: 2.5, aim: 1.3 },
        needs: &[],
    },
    Spec {
        row: Row::Sequence,
        title: "sequence of 5: added p50 per step",
        value: "seq5.step",
        unit: "µs",
        load: "seq5",
        against: Against::Ratio("bare.p50"),
        goal: Goal::AtMost { bar: 2.5, aim: 1.3 },
        needs: &[],
    },
    Spec {
        row: Row::Sequence,
        title: "sequence of 20: added p50 per step",
        value: "seq20.step",
        unit: "µs",
        load: "seq20",
        against: Against::Ratio("bare.p50"),
        goal: Goal::AtMost { bar: 2.5, aim: 1.3 },
        needs: &[],
    },
    Spec {
        row: Row::Restart,
        title: "restart, 10,000 open, 100,000 stored: first 2xx",
        value: "restart.ms",
        unit: "ms",
        load: "restart",
        against: Against::Nothing,
        goal: Goal::AtMost { bar: 2_000.0, aim: 500.0 },
        needs: &[],
    },
    Spec {
        row: Row::Memory,
        title: "resident memory at rest",
        value: "memory.mib",
        unit: "MiB",
        load: "memory",
        against: Against::Nothing,
        goal: Goal::AtMost { bar: 64.0, aim: 24.0 },
        needs: &[],
    },
    Spec {
        row: Row::Loops,
        title: "hello beside 8 endless loops, p99",
        value: "loops.p99ms",
        unit: "ms",
        load: "loops",
        against: Against::Nothing,
        goal: Goal::AtMost { bar: 20.0, aim: 20.0 },
        needs: &[],
    },
];
