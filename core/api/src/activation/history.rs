//! The history of an activation: what the ledger says happened to it, without its data.
//!
//! Source: `own-api.md` §4.

use serde::{Deserialize, Serialize};

/// The answer of `…/history`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct History {
    /// Whose history it is.
    pub activation_id: String,
    /// `ns/[package/]name` of what was called.
    pub action: String,
    /// Its version when it was called.
    pub version: String,
    /// Where it stands.
    pub state: State,
    /// How it ended, if it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Attempts so far.
    pub attempts: u32,
    /// Steps begun, in order.
    pub children: Vec<String>,
    /// What happened, in the order of the ledger.
    pub events: Vec<Event>,
}

/// Where an activation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Accepted; no attempt is assigned.
    Queued,
    /// An attempt is assigned.
    Running,
    /// It has its terminal record.
    Ended,
}

/// One thing that happened. Which of the optional members are there depends on [`What`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// What.
    pub event: What,
    /// When, by the clock of its writer: milliseconds since the epoch.
    pub at: i64,
    /// Its place in the ledger: two events may share one record.
    pub offset: u64,
    /// The process that wrote it, such as `controller0`.
    pub by: String,
    /// The attempt it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Who runs the attempt; of `assigned`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoker: Option<String>,
    /// Whether it may have begun: `no` or `maybe`; of `returned`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<String>,
    /// Why, in a sentence or one word; of `attemptLost`, `returned`, `expired`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How it ended; of `finished`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// `invoke`, `web`, `rule`, `step`, `schedule`, `source`; of `accepted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The request; of `accepted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<String>,
}

/// What can happen to an activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum What {
    /// It exists from now on.
    Accepted,
    /// An attempt may start on one invoker.
    Assigned,
    /// The attempt may have acted on the outside.
    Touched,
    /// The invoker gave it back.
    Returned,
    /// The attempt is gone and did nothing that anybody could see.
    AttemptLost,
    /// The run ended.
    Finished,
    /// The platform ended it.
    Expired,
}

impl What {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Assigned => "assigned",
            Self::Touched => "touched",
            Self::Returned => "returned",
            Self::AttemptLost => "attemptLost",
            Self::Finished => "finished",
            Self::Expired => "expired",
        }
    }
}

impl Event {
    /// An event with none of the members that only some have.
    #[must_use]
    pub fn new(event: What, at: i64, offset: u64, by: &str) -> Self {
        Self {
            event,
            at,
            offset,
            by: by.to_owned(),
            attempt: None,
            invoker: None,
            started: None,
            reason: None,
            status: None,
            cause: None,
            transaction_id: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of `own-api.md` §4, made compact.
    const EXAMPLE: &str = concat!(
        r#"{"activationId":"0e7b8a4d5c4e4c0e9b8a4d5c4e9c0e11","action":"guest/etl/load","#,
        r#""version":"0.0.3","state":"ended","status":"success","attempts":2,"children":[],"#,
        r#""events":["#,
        r#"{"event":"accepted","at":1704067200950,"offset":48121,"by":"controller0","#,
        r#""cause":"invoke","transactionId":"R4mG"},"#,
        r#"{"event":"assigned","at":1704067200950,"offset":48121,"by":"controller0","#,
        r#""attempt":1,"invoker":"invoker0"},"#,
        r#"{"event":"attemptLost","at":1704067203102,"offset":48122,"by":"controller0","#,
        r#""attempt":1,"#,
        r#""reason":"the server ended while it ran; nothing had left the sandbox"},"#,
        r#"{"event":"assigned","at":1704067203102,"offset":48123,"by":"controller0","#,
        r#""attempt":2,"invoker":"invoker0"},"#,
        r#"{"event":"finished","at":1704067203151,"offset":48127,"by":"invoker0","#,
        r#""attempt":2,"status":"success"}]}"#
    );

    #[test]
    fn a_history_is_written_as_in_the_contract() {
        let event = |what, at, offset| Event::new(what, at, offset, "controller0");
        let invoker = Some("invoker0".to_owned());
        let reason = "the server ended while it ran; nothing had left the sandbox";
        let history = History {
            activation_id: "0e7b8a4d5c4e4c0e9b8a4d5c4e9c0e11".to_owned(),
            action: "guest/etl/load".to_owned(),
            version: "0.0.3".to_owned(),
            state: State::Ended,
            status: Some("success".to_owned()),
            attempts: 2,
            children: Vec::new(),
            events: vec![
                Event {
                    cause: Some("invoke".to_owned()),
                    transaction_id: Some("R4mG".to_owned()),
                    ..event(What::Accepted, 1_704_067_200_950, 48_121)
                },
                Event {
                    attempt: Some(1),
                    invoker: invoker.clone(),
                    ..event(What::Assigned, 1_704_067_200_950, 48_121)
                },
                Event {
                    attempt: Some(1),
                    reason: Some(reason.to_owned()),
                    ..event(What::AttemptLost, 1_704_067_203_102, 48_122)
                },
                Event {
                    attempt: Some(2),
                    invoker,
                    ..event(What::Assigned, 1_704_067_203_102, 48_123)
                },
                Event {
                    attempt: Some(2),
                    status: Some("success".to_owned()),
                    ..Event::new(What::Finished, 1_704_067_203_151, 48_127, "invoker0")
                },
            ],
        };
        assert_eq!(serde_json::to_string(&history).unwrap(), EXAMPLE);
        assert_eq!(serde_json::from_str::<History>(EXAMPLE).unwrap(), history);
    }

    #[test]
    fn words_are_those_on_the_wire() {
        use What::{Accepted, Assigned, AttemptLost, Expired, Finished, Returned, Touched};
        for what in [Accepted, Assigned, Touched, Returned, AttemptLost, Finished, Expired] {
            let text = serde_json::to_string(&what).unwrap();
            assert_eq!(text.trim_matches('"'), what.as_str());
        }
    }
}
