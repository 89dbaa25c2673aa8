//! Every refusal that a request over a healthy ledger does not meet: status, text, headers.

use http_body_util::BodyExt as _;
use model::id::Shard;

use super::*;

/// The answer as a client sees it: status, text, and the headers that say more.
async fn shown(refusal: impl Into<Refusal>) -> (u16, String, String) {
    let response = refusal.into().response(&HeaderValue::from_static("t"));
    let status = response.status().as_u16();
    assert_eq!(response.headers()["x-request-id"], "t");
    let usual = ["x-request-id", "content-type"];
    let mut headers: Vec<String> = response
        .headers()
        .iter()
        .filter(|(name, _)| !usual.contains(&name.as_str()))
        .filter(|(name, _)| !name.as_str().starts_with("access-control"))
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    headers.sort();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let body: api::error::Error = serde_json::from_slice(&body).unwrap();
    (status, body.error, headers.join("; "))
}

fn id() -> ActivationId {
    ActivationId::new(Shard::new(1), [0; 16])
}

#[tokio::test]
async fn bounds_say_that_nothing_was_accepted() {
    let no = "retry-after: 1; x-openwhisk-accepted: no";
    for (bound, text, headers) in [
        (
            Bound::OpenBytes { bytes: 8, max: 7 },
            "Open activations hold too much data on this server (8 of 7 bytes); try again in a \
             moment.",
            no,
        ),
        (
            Bound::Proposals { count: 8, max: 8 },
            "Too many requests wait to be written on this server (8 of 8); try again in a moment.",
            no,
        ),
        (Bound::DiskFull, "The disk is full: nothing new is accepted until space is freed.", no),
        (
            Bound::Stopping,
            "The server is stopping; try again in a moment.",
            "connection: close; retry-after: 1; x-openwhisk-accepted: no",
        ),
    ] {
        let expected = (503, text.to_owned(), headers.to_owned());
        assert_eq!(shown(bound.clone()).await, expected);
        assert_eq!(shown(write::Failed::Bound(bound.clone())).await, expected);
        assert_eq!(shown(invoke::Error::Bound(bound)).await, expected);
    }
    let building = ReadFailed::Building { percent: 40 };
    let text = "The index is being built (40 % done); invoking works, try this again in a moment.";
    assert_eq!(shown(building).await, (503, text.to_owned(), no.to_owned()));
    let changed = "The action or trigger changed while the request was being accepted; try again \
                   in a moment.";
    let shown_changed = shown(invoke::Error::Changed).await;
    assert_eq!(shown_changed, (503, changed.to_owned(), no.to_owned()));
}

#[tokio::test]
async fn what_nobody_knows_is_said_with_the_id_to_look_for() {
    let text = format!(
        "It is not known whether the activation was accepted; look for activation {}, or send the \
         request again with the same Idempotency-Key.",
        id()
    );
    let headers = format!(
        "retry-after: 1; x-openwhisk-accepted: unknown; x-openwhisk-activation-id: {}",
        id()
    );
    assert_eq!(shown(invoke::Error::Unknown(id())).await, (503, text, headers));
    let text = "It is not known whether the change was written; read the entity, and send the \
                request again if the change is missing.";
    let headers = "retry-after: 1; x-openwhisk-accepted: unknown";
    let expected = (503, text.to_owned(), headers.to_owned());
    assert_eq!(shown(write::Failed::Unknown).await, expected);
}

#[tokio::test]
async fn each_other_error_has_its_status_and_text() {
    let none = String::new;
    let unreadable = || Unreadable::Corrupted(ledger::record::EntityKey("n/a/b".into()));
    for (refusal, expected) in [
        (
            Refusal::from(invoke::Error::RecordGone(id())),
            (
                410,
                "The activation that answered this key is no longer stored.",
                format!("x-openwhisk-activation-id: {}", id()),
            ),
        ),
        (Refusal::panicked(), (500, INTERNAL, none())),
        (Refusal::lost_race(), (409, RACE, none())),
        (write::Failed::Changed.into(), (409, RACE, none())),
        (unreadable().into(), (500, CORRUPTED, none())),
        (
            Unauthenticated::Unreadable(unreadable()).into(),
            (500, "There was an internal server error.", none()),
        ),
        (
            invoke::Error::Deprecated("nodejs:6".to_owned()).into(),
            (
                400,
                "The 'nodejs:6' runtime is no longer supported. You may read and delete but not \
                 update or invoke this action.",
                none(),
            ),
        ),
        (
            TooManyKeys { count: 7, allowed: 7 }.into(),
            (
                429,
                "Too many idempotency keys are in use (count: 7, allowed: 7).",
                "retry-after: 60".to_owned(),
            ),
        ),
        (
            Denied::Kind("php:8.1".to_owned()).into(),
            (
                403,
                "The supplied authentication is not authorized to access actions of kind \
                 'php:8.1'.",
                none(),
            ),
        ),
    ] {
        let (status, text, headers) = expected;
        assert_eq!(shown(refusal).await, (status, text.to_owned(), headers));
    }
}

#[test]
fn dates_are_those_of_http() {
    let date = http_date(WallTime(1_704_070_800_000));
    assert_eq!(date.as_deref(), Some("Mon, 01 Jan 2024 01:00:00 GMT"));
    assert_eq!(seconds(Duration::from_millis(1)), "1");
    assert_eq!(seconds(Duration::from_millis(59_001)), "60");
}
