//! Whether a client takes the type that an endpoint answers with.

use http::{HeaderMap, header};

/// Whether the `Accept` headers admit `available`. One that cannot be parsed is ignored.
#[must_use]
pub(super) fn admits(headers: &HeaderMap, available: &str) -> bool {
    let mut refused = false;
    for value in headers.get_all(header::ACCEPT) {
        let Ok(value) = value.to_str() else { return true };
        for range in value.split(',') {
            match admits_range(range.trim(), available) {
                Some(true) | None => return true,
                Some(false) => refused = true,
            }
        }
    }
    !refused
}

/// `None` if it is no media range.
fn admits_range(range: &str, available: &str) -> Option<bool> {
    let mut parts = range.split(';').map(str::trim);
    let (main, sub) = parts.next()?.split_once('/')?;
    if main.is_empty() || sub.is_empty() || main.contains(' ') || sub.contains(' ') {
        return None;
    }
    let quality = parts.filter_map(|part| part.strip_prefix("q=")).find_map(|q| q.parse().ok());
    let essence = available.split(';').next().unwrap_or(available);
    let (own_main, own_sub) = essence.split_once('/')?;
    let fits = (main == "*" || main.eq_ignore_ascii_case(own_main))
        && (sub == "*" || sub.eq_ignore_ascii_case(own_sub));
    Some(fits && quality.unwrap_or(1.0_f32) > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_excludes_the_type_is_refused() {
        for (accept, admitted) in [
            (&[][..], true),
            (&["*/*"], true),
            (&["application/json"], true),
            (&["APPLICATION/JSON; charset=utf-8"], true),
            (&["application/*;q=0.1"], true),
            (&["text/html, */*;q=0.8"], true),
            (&["text/html", "application/json"], true),
            (&["text/html"], false),
            (&["application/json;q=0"], false),
            (&["nonsense"], true),
            (&[""], true),
        ] {
            let headers: HeaderMap =
                accept.iter().map(|value| (header::ACCEPT, value.parse().unwrap())).collect();
            assert_eq!(admits(&headers, "application/json"), admitted, "{accept:?}");
        }
    }
}
