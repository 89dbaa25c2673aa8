//! Who calls: HTTP Basic, and whom it was found to be lately.
//!
//! Of a key only SHA-256 of its secret is stored, compared in constant time. A header that was
//! accepted is remembered with the revisions of all that it rested on; while those stand, it is found
//! by its bytes, and one look at the fold says whether they do.
//!
//! Source: `rest-api.md` §1.2.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::{HeaderMap, header};
use ledger::fold::Ledger;
use ledger::record::EntityKey;
use model::id::{Digest, Offset};
use model::identity::{AccessKey, Identity, SECRET};
use model::limits::NamespaceLimits;
use model::name::Namespace;
use store::blobs::digest_of;
use subtle::ConstantTimeEq as _;

use crate::minted::{Minter, Whose};
use crate::owner::Partition;
use crate::read::documents::Unreadable;
use crate::read::identities;

/// So many headers are remembered; then all are forgotten.
const REMEMBERED: usize = 10_000;
/// Clients differ in how they pad.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why a request is on nobody's behalf.
#[derive(Debug, thiserror::Error)]
pub enum Unauthenticated {
    /// There are no credentials, or of no kind that is understood.
    #[error("no credentials")]
    Missing,
    /// They are malformed, unknown, or of a blocked subject.
    #[error("bad credentials")]
    Invalid,
    /// What they name cannot be read.
    #[error("look up credentials")]
    Unreadable(#[source] Unreadable),
}

/// Headers that were accepted lately.
#[derive(Default)]
pub struct Sessions {
    known: RwLock<HashMap<Box<[u8]>, Arc<Session>>>,
}

/// Without the headers: they are secrets.
impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Session {
    identity: Arc<Identity>,
    rests_on: [RestsOn; 4],
}

impl Session {
    fn holds(&self, ledger: &Ledger) -> bool {
        self.rests_on
            .iter()
            .all(|(key, revision)| ledger.entity(key).map(|entity| entity.revision) == *revision)
    }
}

impl Sessions {
    /// On whose behalf a request is.
    ///
    /// # Errors
    /// [`Unauthenticated`].
    pub fn authenticate(
        &self,
        partition: &Partition,
        minter: &Minter,
        headers: &HeaderMap,
    ) -> Result<Arc<Identity>, Unauthenticated> {
        let header = headers.get(header::AUTHORIZATION).ok_or(Unauthenticated::Missing)?;
        if let Some(session) = self.remembered(header.as_bytes())
            && partition.read(|ledger| session.holds(ledger))
        {
            return Ok(Arc::clone(&session.identity));
        }
        let (user, secret) = credentials(header.as_bytes())?;
        // One that was minted is not remembered: it ends with what holds it.
        if let Some(Whose { subject, namespace, since }) = minter.opened_by(&user, &secret) {
            let found = partition.read(|ledger| behalf_of(ledger, subject, namespace));
            let (identity, _) = found?;
            let is_the_same = identity.since == since;
            return is_the_same.then(|| Arc::new(identity)).ok_or(Unauthenticated::Invalid);
        }
        let session = partition.read(|ledger| look_up(ledger, &user, &secret))?;
        let identity = Arc::clone(&session.identity);
        self.remember(header.as_bytes(), session);
        Ok(identity)
    }

    fn remembered(&self, header: &[u8]) -> Option<Arc<Session>> {
        // A map of whole values: right at every moment, so poison says nothing.
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(header).cloned()
    }

    fn remember(&self, header: &[u8], session: Session) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(header.into(), Arc::new(session));
    }
}

/// User part and digest of the secret.
fn credentials(header: &[u8]) -> Result<(String, Digest), Unauthenticated> {
    let text = std::str::from_utf8(header).map_err(|_| Unauthenticated::Missing)?.trim();
    let (scheme, encoded) = text.split_once(' ').ok_or(Unauthenticated::Missing)?;
    let encoded = encoded.trim();
    if !scheme.eq_ignore_ascii_case("basic") || encoded.is_empty() {
        return Err(Unauthenticated::Missing);
    }
    let decoded = BASE64.decode(encoded).map_err(|_| Unauthenticated::Missing)?;
    let decoded = String::from_utf8(decoded).map_err(|_| Unauthenticated::Invalid)?;
    let (user, secret) = decoded.split_once(':').ok_or(Unauthenticated::Invalid)?;
    if user.is_empty() || secret.chars().count() != SECRET {
        return Err(Unauthenticated::Invalid);
    }
    Ok((user.to_owned(), digest_of(secret.as_bytes())))
}

fn look_up(ledger: &Ledger, user: &str, secret: &Digest) -> Result<Session, Unauthenticated> {
    let unreadable = Unauthenticated::Unreadable;
    let key = identities::access_key(ledger, user).map_err(unreadable)?;
    let key = key.ok_or(Unauthenticated::Invalid)?;
    if !bool::from(key.value.secret.0.ct_eq(&secret.0)) {
        return Err(Unauthenticated::Invalid);
    }
    let AccessKey { subject, namespace, .. } = key.value;
    let on = (EntityKey::access_key(user), Some(key.revision));
    let (identity, [of_subject, of_namespace, of_limits]) = behalf_of(ledger, subject, namespace)?;
    let rests_on = [on, of_subject, of_namespace, of_limits];
    Ok(Session { identity: Arc::new(identity), rests_on })
}

/// What an identity rests on: keys of documents, and their revisions.
type RestsOn = (EntityKey, Option<Offset>);

/// A subject in one of its namespaces, unless it is blocked or has it no more; and what that rests on.
fn behalf_of(
    ledger: &Ledger,
    subject: String,
    namespace: Namespace,
) -> Result<(Identity, [RestsOn; 3]), Unauthenticated> {
    let unreadable = Unauthenticated::Unreadable;
    let found = identities::subject(ledger, &subject).map_err(unreadable)?;
    let found = found.filter(|found| !found.value.blocked).ok_or(Unauthenticated::Invalid)?;
    let owner = identities::owner(ledger, &namespace).map_err(unreadable)?;
    let owner = owner.filter(|owner| owner.value == subject).ok_or(Unauthenticated::Invalid)?;
    let overrides = identities::overrides(ledger, &namespace).map_err(unreadable)?;
    let rests_on = [
        (EntityKey::subject(&subject), Some(found.revision)),
        (EntityKey::namespace(&namespace), Some(owner.revision)),
        (EntityKey::limits(&namespace), overrides.as_ref().map(|found| found.revision)),
    ];
    let overrides = overrides.map(|found| found.value).unwrap_or_default();
    let limits = Arc::new(overrides.over(&NamespaceLimits::default()));
    Ok((Identity { subject, namespace, since: owner.born, limits }, rests_on))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_missing_or_invalid_as_the_contract_says() {
        let secret = "x".repeat(SECRET);
        let basic = |text: &str| format!("Basic {}", BASE64.encode(text));
        for (header, expected) in [
            (String::new(), "no credentials"),
            ("Basic".to_owned(), "no credentials"),
            ("Basic  ".to_owned(), "no credentials"),
            ("Bearer abc".to_owned(), "no credentials"),
            ("Basic %%%".to_owned(), "no credentials"),
            (basic("nocolon"), "bad credentials"),
            (basic(&format!(":{secret}")), "bad credentials"),
            (basic("user:short"), "bad credentials"),
            (basic(&format!("user:{secret}")), "user"),
            (basic(&format!("user:{secret}")).replace("Basic", "bAsIc"), "user"),
            (basic(&format!("user:{secret}")).replace('=', ""), "user"),
        ] {
            let found = credentials(header.as_bytes());
            let shown = found.map_or_else(|error| error.to_string(), |(user, _)| user);
            assert_eq!(shown, expected, "{header}");
        }
    }
}
