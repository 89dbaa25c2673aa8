//! What a PUT of a rule, or a POST to it, says, and what comes of it.
//!
//! Source: `rest-api.md` §§5.3, 5.4.

use model::json::Json;
use model::name::{Namespace, QualifiedName};
use model::rule::Rule;
use model::time::WallTime;

use super::{Common, Invalid, Members, check_annotations, parse_name};
use crate::http::body::{BadBody, malformed};

/// The body of a PUT of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutRule {
    /// What starts it.
    pub trigger: Option<QualifiedName>,
    /// What it starts.
    pub action: Option<QualifiedName>,
    /// The rest.
    pub common: Common,
}

impl PutRule {
    /// Reads the body of a PUT by a caller whose namespace is `own`.
    ///
    /// # Errors
    /// [`BadBody::Malformed`], in the words of the contract.
    pub fn parse(body: &Json, own: &Namespace) -> Result<Self, BadBody> {
        let members = Members::of(body, "trigger")?;
        Ok(Self {
            trigger: members.read("trigger", |name| parse_name(name, own))?,
            action: members.read("action", |name| parse_name(name, own))?,
            common: Common::parse(&members)?,
        })
    }

    /// Whether its parts are within their sizes.
    ///
    /// # Errors
    /// [`Invalid::TooLarge`].
    pub fn check_sizes(&self) -> Result<(), Invalid> {
        check_annotations(self.common.annotations.as_ref())
    }

    /// The rule that results: a new one, or `stored` as it is changed.
    ///
    /// # Errors
    /// [`Invalid::NoTriggerOrAction`], of a new one.
    pub fn merged(&self, stored: Option<&Rule>, now: WallTime) -> Result<Rule, Invalid> {
        let trigger = self.trigger.as_ref().or(stored.map(|stored| &stored.trigger));
        let action = self.action.as_ref().or(stored.map(|stored| &stored.action));
        let (Some(trigger), Some(action)) = (trigger, action) else {
            return Err(Invalid::NoTriggerOrAction);
        };
        Ok(Rule {
            trigger: trigger.clone(),
            action: action.clone(),
            annotations: self.common.annotations_over(stored.map(|stored| &stored.annotations)),
            version: self.common.version_over(stored.map(|stored| stored.version)),
            publish: self.common.publish_over(stored.map(|stored| stored.publish)),
            updated: now,
        })
    }
}

/// Whether a POST wants the rule to be in force.
///
/// # Errors
/// [`BadBody::Malformed`], in the words of the contract.
pub fn wanted_state(body: &Json) -> Result<bool, BadBody> {
    let members = body.members().ok_or_else(|| malformed("a rule's state is set by an object"))?;
    let status = members.iter().find(|(name, _)| name == "status").map(|(_, value)| value);
    let status = status.ok_or_else(|| malformed("key not found: status"))?;
    let text = status.text().ok_or_else(|| {
        malformed(format!(
            "'status' must be a string, \"active\" or \"inactive\", but got {}",
            status.as_str()
        ))
    })?;
    match text.as_str() {
        "active" => Ok(true),
        "inactive" => Ok(false),
        other => {
            Err(malformed(format!("requirement failed: {other} is not a recognized rule state")))
        }
    }
}
