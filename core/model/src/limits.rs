//! Limits of actions and of namespaces, with the bounds and texts of `rest-api.md` §§3.5, 8.

use serde::{Deserialize, Serialize};

use crate::time::Millis;

/// The largest payload, result, parameter set and annotation set, in bytes.
pub const MAX_PAYLOAD: u64 = 1 << 20;
/// The largest `exec`, in bytes.
pub const MAX_CODE: u64 = 48 << 20;
/// The most components of a sequence, nested ones expanded.
pub const MAX_SEQUENCE: usize = 50;

/// What one action may use; as stored and shown (`memory` and `logs` in MB).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ActionLimits {
    /// Activations per container; of no effect on Wasm.
    pub concurrency: u32,
    /// Log output, MB.
    pub logs: u32,
    /// Memory of one sandbox, MB.
    pub memory: u32,
    /// Time of one run, and of one initialisation.
    pub timeout: Millis,
    /// Sandboxes of the action at a time, if it was set.
    pub instances: Option<u32>,
}

impl Default for ActionLimits {
    fn default() -> Self {
        Self { concurrency: 1, logs: 10, memory: 256, timeout: Millis(60_000), instances: None }
    }
}

/// An inclusive range of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// The least.
    pub min: u64,
    /// The most.
    pub max: u64,
}

/// What the actions of a namespace may ask for, and how often they may run: as in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceLimits {
    /// Invocations admitted per wall-clock minute.
    pub invocations_per_minute: u64,
    /// Fires admitted per wall-clock minute.
    pub fires_per_minute: u64,
    /// Activations open at a time, parents not counted.
    pub concurrent_invocations: u64,
    /// Run time, ms.
    pub timeout: Bounds,
    /// Memory, MB.
    pub memory: Bounds,
    /// Log output, MB.
    pub logs: Bounds,
    /// Activations per container.
    pub concurrency: Bounds,
    /// The largest parameter set, bytes.
    pub max_parameters: u64,
    /// The largest payload of an invoke or a fire, bytes.
    pub max_payload: u64,
    /// What a result that is longer than a payload may be is cut to, bytes.
    pub truncation: u64,
    /// Kinds that may be stored; `None`: all.
    pub allowed_kinds: Option<Vec<String>>,
    /// Whether records are kept for reading; `None`: the default, yes.
    pub store_activations: Option<bool>,
}

impl Default for NamespaceLimits {
    fn default() -> Self {
        Self {
            invocations_per_minute: 60,
            fires_per_minute: 60,
            concurrent_invocations: 30,
            timeout: Bounds { min: 100, max: 300_000 },
            memory: Bounds { min: 128, max: 512 },
            logs: Bounds { min: 0, max: 10 },
            concurrency: Bounds { min: 1, max: 1 },
            max_parameters: MAX_PAYLOAD,
            max_payload: MAX_PAYLOAD,
            truncation: MAX_PAYLOAD,
            allowed_kinds: None,
            store_activations: None,
        }
    }
}

/// How long a result may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResultBounds {
    /// At most so many bytes.
    pub most: u64,
    /// So many bytes of one that is longer are shown.
    pub shown: u64,
}

impl NamespaceLimits {
    /// Whether nothing can be invoked: what waits in such a namespace is not run any more.
    #[must_use]
    pub fn stop_all(&self) -> bool {
        self.concurrent_invocations == 0 || self.invocations_per_minute == 0
    }

    /// How long a result may be.
    #[must_use]
    pub fn result(&self) -> ResultBounds {
        ResultBounds { most: self.max_payload, shown: self.truncation }
    }
}

impl Default for ResultBounds {
    fn default() -> Self {
        NamespaceLimits::default().result()
    }
}

/// What was set for one namespace, as it was set: what is not set is as the system has it.
///
/// Source: `rest-api.md` §8.2.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overrides {
    /// Invocations admitted per wall-clock minute.
    pub invocations_per_minute: Option<u64>,
    /// Fires admitted per wall-clock minute.
    pub fires_per_minute: Option<u64>,
    /// Activations open at a time, parents not counted.
    pub concurrent_invocations: Option<u64>,
    /// Kinds that may be stored.
    pub allowed_kinds: Option<Vec<String>>,
    /// Whether records are kept for reading.
    pub store_activations: Option<bool>,
    /// The least memory, MB.
    pub min_action_memory: Option<u64>,
    /// The most memory, MB.
    pub max_action_memory: Option<u64>,
    /// The least log output, MB.
    pub min_action_logs: Option<u64>,
    /// The most log output, MB.
    pub max_action_logs: Option<u64>,
    /// The least run time, ms.
    pub min_action_timeout: Option<u64>,
    /// The most run time, ms.
    pub max_action_timeout: Option<u64>,
    /// The least activations per container.
    pub min_action_concurrency: Option<u64>,
    /// The most activations per container.
    pub max_action_concurrency: Option<u64>,
    /// The largest parameter set, bytes.
    pub max_parameter_size: Option<u64>,
    /// The largest payload, bytes.
    pub max_payload_size: Option<u64>,
    /// How much is shown of a result that is too long, bytes.
    pub truncation_size: Option<u64>,
}

impl Overrides {
    /// What is in force over `system`: the three throttles are as they were set, everything else
    /// stays within what the system allows.
    #[must_use]
    pub fn over(&self, system: &NamespaceLimits) -> NamespaceLimits {
        let within = |bounds: Bounds, min: Option<u64>, max: Option<u64>| {
            let capped = |value: u64| value.clamp(bounds.min, bounds.max);
            Bounds { min: min.map_or(bounds.min, capped), max: max.map_or(bounds.max, capped) }
        };
        let most = |system: u64, set: Option<u64>| set.map_or(system, |set| set.min(system));
        NamespaceLimits {
            invocations_per_minute: self
                .invocations_per_minute
                .unwrap_or(system.invocations_per_minute),
            fires_per_minute: self.fires_per_minute.unwrap_or(system.fires_per_minute),
            concurrent_invocations: self
                .concurrent_invocations
                .unwrap_or(system.concurrent_invocations),
            timeout: within(system.timeout, self.min_action_timeout, self.max_action_timeout),
            memory: within(system.memory, self.min_action_memory, self.max_action_memory),
            logs: within(system.logs, self.min_action_logs, self.max_action_logs),
            concurrency: within(
                system.concurrency,
                self.min_action_concurrency,
                self.max_action_concurrency,
            ),
            max_parameters: most(system.max_parameters, self.max_parameter_size),
            max_payload: most(system.max_payload, self.max_payload_size),
            truncation: most(system.truncation, self.truncation_size),
            allowed_kinds: self.allowed_kinds.clone().or_else(|| system.allowed_kinds.clone()),
            store_activations: self.store_activations.or(system.store_activations),
        }
    }
}

/// A limit that was asked for and is out of bounds; the texts are those of the contract.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutOfBounds {
    /// Above the most.
    #[error("requirement failed: {what} {asked}{unit} exceeds allowed threshold of {bound}{unit}")]
    Above {
        /// `duration`, `memory size`, `log size`, `concurrency`.
        what: &'static str,
        /// As sent.
        asked: String,
        /// The most.
        bound: u64,
        /// With its leading space: ` milliseconds`, ` MB` or nothing.
        unit: &'static str,
    },
    /// Below the least.
    #[error("requirement failed: {what} {asked}{unit} below allowed threshold of {bound}{unit}")]
    Below {
        /// As above.
        what: &'static str,
        /// As sent.
        asked: String,
        /// The least.
        bound: u64,
        /// As above.
        unit: &'static str,
    },
    /// More instances than the namespace may run.
    #[error("Max action instance concurrency must not exceed your namespace concurrency of {0}.")]
    Instances(u64),
}

impl Bounds {
    /// Checks a value that was asked for.
    ///
    /// # Errors
    /// [`OutOfBounds`] with the value as it was sent.
    pub fn check(
        self,
        asked: i128,
        what: &'static str,
        unit: &'static str,
    ) -> Result<(), OutOfBounds> {
        if asked > i128::from(self.max) {
            return Err(OutOfBounds::Above {
                what,
                asked: asked.to_string(),
                bound: self.max,
                unit,
            });
        }
        if asked < i128::from(self.min) {
            return Err(OutOfBounds::Below {
                what,
                asked: asked.to_string(),
                bound: self.min,
                unit,
            });
        }
        Ok(())
    }
}

impl NamespaceLimits {
    /// Checks the four bounded limits of an action; memory is reported before time.
    ///
    /// # Errors
    /// [`OutOfBounds`], the first in the order of the contract.
    pub fn check(&self, limits: &ActionLimits) -> Result<(), OutOfBounds> {
        self.memory.check(limits.memory.into(), "memory size", " MB")?;
        self.timeout.check(limits.timeout.0.into(), "duration", " milliseconds")?;
        self.logs.check(limits.logs.into(), "log size", " MB")?;
        self.concurrency.check(limits.concurrency.into(), "concurrency", "")?;
        match limits.instances {
            Some(instances) if u64::from(instances) > self.concurrent_invocations => {
                Err(OutOfBounds::Instances(self.concurrent_invocations))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overrides_stay_within_the_system_but_for_the_throttles() {
        let system = NamespaceLimits::default();
        assert_eq!(Overrides::default().over(&system), system);
        let set = Overrides {
            invocations_per_minute: Some(100_000),
            fires_per_minute: Some(0),
            concurrent_invocations: Some(7_000),
            allowed_kinds: Some(vec!["nodejs:20".to_owned()]),
            store_activations: Some(false),
            min_action_memory: Some(1),
            max_action_memory: Some(4_096),
            min_action_timeout: Some(200),
            max_action_timeout: Some(2_000),
            max_action_logs: Some(5),
            min_action_concurrency: Some(9),
            max_parameter_size: Some(10),
            max_payload_size: Some(u64::MAX),
            truncation_size: Some(20),
            ..Overrides::default()
        };
        let expected = NamespaceLimits {
            invocations_per_minute: 100_000,
            fires_per_minute: 0,
            concurrent_invocations: 7_000,
            timeout: Bounds { min: 200, max: 2_000 },
            memory: Bounds { min: 128, max: 512 },
            logs: Bounds { min: 0, max: 5 },
            concurrency: Bounds { min: 1, max: 1 },
            max_parameters: 10,
            max_payload: MAX_PAYLOAD,
            truncation: 20,
            allowed_kinds: Some(vec!["nodejs:20".to_owned()]),
            store_activations: Some(false),
        };
        assert_eq!(set.over(&system), expected);
    }

    #[test]
    fn a_limit_out_of_bounds_is_told_in_the_words_of_the_contract() {
        let limits = NamespaceLimits::default();
        let asked = |change: fn(&mut ActionLimits)| {
            let mut asked = ActionLimits::default();
            change(&mut asked);
            limits.check(&asked).map_err(|error| error.to_string())
        };
        assert_eq!(asked(|_| ()), Ok(()));
        assert_eq!(
            asked(|l| l.timeout = Millis(300_001)).unwrap_err(),
            "requirement failed: duration 300001 milliseconds exceeds allowed threshold of 300000 \
             milliseconds"
        );
        assert_eq!(
            asked(|l| l.memory = 127).unwrap_err(),
            "requirement failed: memory size 127 MB below allowed threshold of 128 MB"
        );
        assert_eq!(
            asked(|l| l.concurrency = 2).unwrap_err(),
            "requirement failed: concurrency 2 exceeds allowed threshold of 1"
        );
        assert_eq!(
            asked(|l| l.instances = Some(31)).unwrap_err(),
            "Max action instance concurrency must not exceed your namespace concurrency of 30."
        );
    }
}
