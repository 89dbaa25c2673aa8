//! What a PUT of a trigger says, and what comes of it.
//!
//! Source: `rest-api.md` §5.1.

use model::json::Json;
use model::limits::NamespaceLimits;
use model::name::EntityName;
use model::parameters::Parameters;
use model::time::WallTime;
use model::trigger::Trigger;

use super::{Common, Invalid, Members, check_annotations, check_parameters, parse_parameters};
use crate::http::body::BadBody;

/// The body of a PUT of a trigger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutTrigger {
    /// Replace the stored ones.
    pub parameters: Option<Parameters>,
    /// The rest.
    pub common: Common,
}

impl PutTrigger {
    /// Reads the body of a PUT.
    ///
    /// # Errors
    /// [`BadBody::Malformed`], in the words of the contract.
    pub fn parse(body: &Json) -> Result<Self, BadBody> {
        let members = Members::of(body, "parameters")?;
        Ok(Self {
            parameters: members.read("parameters", parse_parameters)?,
            common: Common::parse(&members)?,
        })
    }

    /// Whether its parts are within their sizes.
    ///
    /// # Errors
    /// [`Invalid::TooLarge`].
    pub fn check_sizes(&self, limits: &NamespaceLimits) -> Result<(), Invalid> {
        check_parameters(self.parameters.as_ref(), limits)?;
        check_annotations(self.common.annotations.as_ref())
    }

    /// The trigger that results: a new one, or `stored` as it is changed.
    ///
    /// # Errors
    /// [`Invalid::Feed`], of a new one.
    pub fn merged(&self, stored: Option<&Trigger>, now: WallTime) -> Result<Trigger, Invalid> {
        let annotations = self.common.annotations_over(stored.map(|stored| &stored.annotations));
        if stored.is_none() && annotations.get("feed").is_some_and(|feed| !is_path(feed)) {
            return Err(Invalid::Feed);
        }
        let parameters = self.parameters.as_ref().or(stored.map(|stored| &stored.parameters));
        Ok(Trigger {
            parameters: parameters.cloned().unwrap_or_default(),
            annotations,
            version: self.common.version_over(stored.map(|stored| stored.version)),
            publish: self.common.publish_over(stored.map(|stored| stored.publish)),
            updated: now,
        })
    }
}

/// A text of names with slashes between, and perhaps one before.
fn is_path(feed: &Json) -> bool {
    let Some(text) = feed.text() else { return false };
    let text = text.strip_prefix('/').unwrap_or(&text);
    text.split('/').all(|part| EntityName::new(part).is_ok())
}
