//! What is done with every request before it is passed inside.

use api::transaction::{REQUEST_ID, id_of};
use daemon::random::Random;
use http::{HeaderValue, Request, header};

use crate::config::Config;
use crate::refuse::Refusal;

/// Gives the request its one transaction id and judges what can be judged without reading it.
///
/// # Errors
/// [`Refusal`], with the id to answer under.
pub(crate) fn judge<B>(
    request: &mut Request<B>,
    config: &Config,
    random: &Random,
) -> Result<(), (Refusal, HeaderValue)> {
    let transaction = id_of(request.headers(), || random.bytes());
    // One value, whatever was sent.
    request.headers_mut().insert(REQUEST_ID, transaction.clone());
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if target as u64 > u64::from(config.uri_length) {
        return Err((Refusal::Uri, transaction));
    }
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.trim().parse::<u64>().ok());
    if length.is_some_and(|length| length > config.body_bytes.as_u64()) {
        return Err((Refusal::Body, transaction));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_exactly_one_id_behind_the_edge() {
        let random = Random::seeded(1);
        for (sent, kept) in [
            (&[][..], false),
            (&["mine"], true),
            (&[""], true),
            (&["x y/z"], true),
            (&["sid_x"], false),
            (&["a", "b"], true),
        ] {
            let mut request = Request::new(());
            for value in sent {
                let value = HeaderValue::from_static(value);
                request.headers_mut().append(REQUEST_ID, value);
            }
            judge(&mut request, &Config::default(), &random).unwrap();
            let ids: Vec<_> = request.headers().get_all(REQUEST_ID).iter().collect();
            assert_eq!(ids.len(), 1, "{sent:?}");
            let id = ids[0].to_str().unwrap();
            if kept {
                assert_eq!(id, sent[0]);
            } else {
                assert!(id.len() == 32 && id.bytes().all(|c| c.is_ascii_alphanumeric()), "{id}");
            }
        }
    }

    #[test]
    fn what_is_too_long_is_refused_before_it_is_read() {
        let random = Random::seeded(1);
        let judged = |uri: &str, length: &str| {
            let request = Request::builder().uri(uri).header(header::CONTENT_LENGTH, length);
            let mut request = request.body(()).unwrap();
            judge(&mut request, &Config::default(), &random).map_err(|(refusal, _)| refusal)
        };
        let long = |length: usize| format!("/{}", "x".repeat(length - 1));
        assert_eq!(judged(&long(8192), "52428800"), Ok(()));
        assert_eq!(judged(&long(8193), "0"), Err(Refusal::Uri));
        assert_eq!(judged("/", "52428801"), Err(Refusal::Body));
    }
}
