//! Labels with few values, as types: a value that nobody documented does not compile.
//!
//! Source: `own-api.md` §§4, 8.

/// A label with few values.
pub trait Label: Copy + 'static {
    /// Name of the label.
    const NAME: &'static str;

    /// Every value, in order.
    fn all() -> impl Iterator<Item = Self>;

    /// Its place in [`Label::all`].
    fn index(self) -> usize;

    /// As it is shown.
    fn as_str(self) -> &'static str;
}

macro_rules! labels {
    ($($(#[$about:meta])* $type:ident as $name:literal {
        $($(#[$value_about:meta])* $value:ident = $text:literal,)*
    })*) => {$(
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $type { $($(#[$value_about])* $value,)* }

        impl Label for $type {
            const NAME: &'static str = $name;

            fn all() -> impl Iterator<Item = Self> {
                [$(Self::$value),*].into_iter()
            }

            fn index(self) -> usize {
                self as usize
            }

            fn as_str(self) -> &'static str {
                match self { $(Self::$value => $text,)* }
            }
        }
    )*};
}

labels! {
    /// What there is only so much of (`design.md` §8).
    Bound as "bound" {
        /// Open activations.
        OpenActivations = "open_activations",
        /// Bytes of their bodies in memory.
        OpenBytes = "open_bytes",
        /// Proposals not applied.
        Proposals = "proposals",
        /// Connections of clients.
        Connections = "connections",
        /// Bytes of request bodies.
        RequestBytes = "request_bytes",
        /// Linear memory of all Wasm instances.
        WasmMemory = "wasm_memory",
        /// Wasm instances.
        WasmInstances = "wasm_instances",
        /// Memory granted to containers.
        ContainerMemory = "container_memory",
        /// Keys of requests in their window.
        IdempotencyKeys = "idempotency_keys",
        /// Bytes of the disk of the data folder.
        Disk = "disk",
    }

    /// What led to an activation.
    Cause as "cause" {
        /// A request to invoke an action.
        Invoke = "invoke",
        /// A request to a web action.
        Web = "web",
        /// A rule, after a fire.
        Rule = "rule",
        /// The step before in a sequence or workflow.
        Step = "step",
        /// A schedule.
        Schedule = "schedule",
        /// A message of a source.
        Source = "source",
    }

    /// How an activation ended, as its record says.
    Status as "status" {
        /// The action gave a result.
        Success = "success",
        /// The action said that it failed.
        ApplicationError = "application error",
        /// The action broke.
        DeveloperError = "action developer error",
        /// We broke, or nobody can know.
        InternalError = "whisk internal error",
    }

    /// Which record ended it: `finished`, or the reason of `expired`.
    Outcome as "outcome" {
        /// It finished by itself.
        Finished = "finished",
        /// Nobody can know how it ended.
        Lost = "lost",
        /// The deadline of the whole passed.
        Timeout = "timeout",
        /// It waited too long for a slot.
        QueueTimeout = "queue_timeout",
        /// No sandbox could be had.
        NoCapacity = "no_capacity",
        /// Something that it needs is gone.
        Missing = "missing",
        /// The user cancelled it.
        Cancelled = "cancelled",
        /// We broke.
        Internal = "internal",
    }

    /// Where an open activation stands.
    Open as "state" {
        /// It waits for a slot.
        Queued = "queued",
        /// It runs.
        Running = "running",
        /// It is a sequence or workflow whose steps run.
        Parent = "parent",
    }

    /// Which limit of a namespace refused.
    Throttle as "throttle" {
        /// Invocations per minute.
        Invocations = "invocations",
        /// Fires per minute.
        Fires = "fires",
        /// Open activations at a time.
        Concurrent = "concurrent",
        /// Idempotency keys in their window.
        Keys = "keys",
    }

    /// What an attempt found when it started.
    StartState as "state" {
        /// Nothing.
        Cold = "cold",
        /// A sandbox of its kind.
        Prewarmed = "prewarmed",
        /// Its code.
        Warmed = "warmed",
    }

    /// How an attempt ended.
    Attempt as "result" {
        /// With a result or an error of the action.
        Finished = "finished",
        /// It was given back, to be run again.
        Returned = "returned",
        /// Its invoker or sandbox was lost.
        Lost = "lost",
        /// It was lost after it may have acted on the outside.
        Touched = "touched",
    }

    /// What the state of the ledger holds.
    Entries as "of" {
        /// Actions, triggers, rules, packages, subjects, namespaces, keys.
        Entities = "entities",
        /// Open activations.
        Open = "open",
        /// Idempotency keys.
        Keys = "keys",
        /// Last times that schedules fired.
        FireMarks = "fire_marks",
    }
}
