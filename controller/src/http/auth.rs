//! Who calls: HTTP Basic, and whom it was found to be lately.
//!
//! Of a key only SHA-256 of its secret is stored, compared in constant time. A header that was
//! accepted is remembered with the revisions of all that it rested on; while those stand, it is found
//! by its bytes, and one look at the fold says whether they do.
//!
//! Source: `rest-api.md` §1.2.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::{HeaderMap, header};
use ledger::fold::Ledger;
use ledger::record::EntityKey;
use model::id::{Digest, Offset};
use model::identity::{AccessKey, Identity, Subject};
use model::limits::NamespaceLimits;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::owner::Partition;
use crate::read::documents::Unreadable;
use crate::read::stored::small;

/// A secret has exactly so many characters.
const SECRET: usize = 64;
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
#[derive(Debug, Default)]
pub struct Sessions {
    known: RwLock<HashMap<Box<[u8]>, Arc<Session>>>,
}

#[derive(Debug)]
struct Session {
    identity: Arc<Identity>,
    rests_on: [(EntityKey, Option<Offset>); 3],
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
        headers: &HeaderMap,
    ) -> Result<Arc<Identity>, Unauthenticated> {
        let header = headers.get(header::AUTHORIZATION).ok_or(Unauthenticated::Missing)?;
        if let Some(session) = self.remembered(header.as_bytes())
            && partition.read(|ledger| session.holds(ledger))
        {
            return Ok(Arc::clone(&session.identity));
        }
        let (user, secret) = credentials(header.as_bytes())?;
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
    Ok((user.to_owned(), Digest(Sha256::digest(secret.as_bytes()).into())))
}

fn look_up(ledger: &Ledger, user: &str, secret: &Digest) -> Result<Session, Unauthenticated> {
    let unreadable = Unauthenticated::Unreadable;
    let by_user = EntityKey::access_key(user);
    let entity = ledger.entity(&by_user).ok_or(Unauthenticated::Invalid)?;
    let key: AccessKey = small(&by_user, entity).map_err(unreadable)?;
    if !bool::from(key.secret.0.ct_eq(&secret.0)) {
        return Err(Unauthenticated::Invalid);
    }
    let key_at = entity.revision;
    let by_subject = EntityKey::subject(&key.subject);
    let entity = ledger.entity(&by_subject).ok_or(Unauthenticated::Invalid)?;
    let subject: Subject = small(&by_subject, entity).map_err(unreadable)?;
    if subject.blocked {
        return Err(Unauthenticated::Invalid);
    }
    let subject_at = entity.revision;
    let by_namespace = EntityKey::limits(&key.namespace);
    let entity = ledger.entity(&by_namespace);
    let limits = match entity {
        Some(entity) => small(&by_namespace, entity).map_err(unreadable)?,
        None => NamespaceLimits::default(),
    };
    Ok(Session {
        identity: Arc::new(Identity {
            subject: key.subject,
            namespace: key.namespace,
            limits: Arc::new(limits),
        }),
        rests_on: [
            (by_user, Some(key_at)),
            (by_subject, Some(subject_at)),
            (by_namespace, entity.map(|entity| entity.revision)),
        ],
    })
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
