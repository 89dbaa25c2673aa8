//! Namespaces and their limits.
//!
//! Source: `rest-api.md` §§1.3, 8.1.

use model::identity::Identity;
use model::limits::NamespaceLimits;
use model::name::Namespace;
use serde::Serialize;

use super::Api;
use super::respond::{Answer, Refusal};
use crate::entitlement::may_list;

/// The limits of a namespace as they are served: memory and logs in MB, times in milliseconds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Limits<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_kinds: Option<&'a [String]>,
    concurrent_invocations: u64,
    fires_per_minute: u64,
    invocations_per_minute: u64,
    max_action_concurrency: u64,
    max_action_instances: u64,
    max_action_logs: u64,
    max_action_memory: u64,
    max_action_timeout: u64,
    max_parameter_size: String,
    min_action_concurrency: u64,
    min_action_logs: u64,
    min_action_memory: u64,
    min_action_timeout: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    store_activations: Option<bool>,
}

impl<'a> From<&'a NamespaceLimits> for Limits<'a> {
    fn from(limits: &'a NamespaceLimits) -> Self {
        Self {
            allowed_kinds: limits.allowed_kinds.as_deref(),
            concurrent_invocations: limits.concurrent_invocations,
            fires_per_minute: limits.fires_per_minute,
            invocations_per_minute: limits.invocations_per_minute,
            max_action_concurrency: limits.concurrency.max,
            max_action_instances: limits.concurrent_invocations,
            max_action_logs: limits.logs.max,
            max_action_memory: limits.memory.max,
            max_action_timeout: limits.timeout.max,
            max_parameter_size: format!("{} B", limits.max_parameters),
            min_action_concurrency: limits.concurrency.min,
            min_action_logs: limits.logs.min,
            min_action_memory: limits.memory.min,
            min_action_timeout: limits.timeout.min,
            store_activations: limits.store_activations,
        }
    }
}

impl Api {
    /// The one namespace that the caller acts for.
    pub(super) fn namespaces(caller: &Identity) -> Answer {
        Answer::json(api::entity::bytes(&[caller.namespace.as_str()]))
    }

    /// What the namespace may use.
    ///
    /// # Errors
    /// [`Refusal`].
    pub(super) fn limits(caller: &Identity, namespace: &Namespace) -> Result<Answer, Refusal> {
        may_list(caller, namespace)?;
        Ok(Answer::json(api::entity::bytes(&Limits::from(&*caller.limits))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_look_as_in_the_contract() {
        let text = serde_json::to_string(&Limits::from(&NamespaceLimits::default())).unwrap();
        assert_eq!(
            text,
            concat!(
                r#"{"concurrentInvocations":30,"firesPerMinute":60,"invocationsPerMinute":60,"#,
                r#""maxActionConcurrency":1,"maxActionInstances":30,"maxActionLogs":10,"#,
                r#""maxActionMemory":512,"maxActionTimeout":300000,"#,
                r#""maxParameterSize":"1048576 B","minActionConcurrency":1,"minActionLogs":0,"#,
                r#""minActionMemory":128,"minActionTimeout":100}"#
            )
        );
    }
}
