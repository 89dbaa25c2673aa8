//! Keys that are minted for actions which ask for one (`provide-api-key`).
//!
//! Nothing secret is stored: a key follows from the master key of the installation and from what it
//! is for, so it is the same for every call of an action by a namespace, and after a restart. It opens
//! something only while an activation is open that was given it; what is open is noted here.
//!
//! Source: `design.md` §9; `rest-api.md` §3.6.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ledger::record::EntityKey;
use model::id::{ActivationId, Digest, Offset};
use model::identity::{Key, uuid};
use model::name::Namespace;
use sha2::{Digest as _, Sha256};
use store::blobs::digest_of;
use subtle::ConstantTimeEq as _;

/// A block of SHA-256, which the keys of its HMAC are padded to.
const BLOCK: usize = 64;

/// What a key is for.
#[derive(Clone, Copy, Debug)]
pub struct Purpose<'a> {
    /// Who calls.
    pub subject: &'a str,
    /// In whose namespace.
    pub namespace: &'a Namespace,
    /// Since when there is that namespace.
    pub since: Offset,
    /// Which action.
    pub action: &'a EntityKey,
    /// Which of those that had this name.
    pub born: Offset,
}

/// Mints keys, and knows which of them open something now.
pub struct Minter {
    master: [u8; 32],
    /// How many activations hold a key: while there are none, nobody pays for asking.
    holders: AtomicUsize,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    /// By user part.
    keys: HashMap<String, Opens>,
    /// The user part of what an activation was given.
    given: HashMap<ActivationId, String>,
}

/// On whose behalf a key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whose {
    /// Who called.
    pub subject: String,
    /// In which namespace.
    pub namespace: Namespace,
    /// Which of those that had this name.
    pub since: Offset,
}

/// What a key opens.
struct Opens {
    secret: Digest,
    whose: Whose,
    /// Open activations that were given it.
    count: usize,
}

impl Minter {
    /// Under this master key.
    #[must_use]
    pub fn new(master: [u8; 32]) -> Self {
        Self { master, holders: AtomicUsize::new(0), open: Mutex::default() }
    }

    /// The key for a purpose. The first three digits of its user part are the shard of the namespace.
    #[must_use]
    pub fn mint(&self, purpose: Purpose<'_>) -> Key {
        let Purpose { namespace, since, action, born, .. } = purpose;
        let (since, born) = (since.0.to_be_bytes(), born.0.to_be_bytes());
        // No name contains a zero byte, so no two purposes are written alike.
        let parts = |what: &'static [u8]| {
            let (namespace, action) = (namespace.as_str().as_bytes(), action.as_str().as_bytes());
            [what, b"\0", namespace, b"\0", action, b"\0", &born, &since].concat()
        };
        let mut user = [0; 16];
        user.copy_from_slice(&hmac(&self.master, &parts(b"user"))[..16]);
        let user = ActivationId::new(ledger::id::shard_of(namespace), user);
        let secret = hmac(&self.master, &parts(b"secret"));
        let secret = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        Key::new(uuid(*user.as_bytes()), secret)
    }

    /// From now on, until [`Minter::ended`], this activation holds the key.
    pub fn give(&self, id: ActivationId, purpose: Purpose<'_>) -> Key {
        let key = self.mint(purpose);
        let mut open = self.lock();
        // A later attempt holds what an earlier one held.
        if open.given.insert(id, key.user().to_owned()).is_none() {
            self.holders.fetch_add(1, Ordering::AcqRel);
            let opens = open.keys.entry(key.user().to_owned()).or_insert_with(|| Opens {
                secret: digest_of(key.secret().as_bytes()),
                whose: Whose {
                    subject: purpose.subject.to_owned(),
                    namespace: purpose.namespace.clone(),
                    since: purpose.since,
                },
                count: 0,
            });
            opens.count += 1;
        }
        key
    }

    /// An activation is over: if it held a key, it holds it no more.
    pub fn ended(&self, id: ActivationId) {
        if self.holders.load(Ordering::Acquire) == 0 {
            return;
        }
        let mut open = self.lock();
        let Some(user) = open.given.remove(&id) else { return };
        self.holders.fetch_sub(1, Ordering::AcqRel);
        if let Some(opens) = open.keys.get_mut(&user) {
            opens.count -= 1;
            if opens.count == 0 {
                open.keys.remove(&user);
            }
        }
    }

    /// On whose behalf a key is now, if it is one of these and the secret is its own.
    #[must_use]
    pub fn opened_by(&self, user: &str, secret: &Digest) -> Option<Whose> {
        if self.holders.load(Ordering::Acquire) == 0 {
            return None;
        }
        let open = self.lock();
        let opens = open.keys.get(user)?;
        let is_it = bool::from(opens.secret.0.ct_eq(&secret.0));
        is_it.then(|| opens.whose.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // Each change is whole before anything can panic.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Minter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Minter")
    }
}

/// HMAC-SHA256 under a key of 32 bytes.
///
/// Source: RFC 2104.
fn hmac(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let padded = |pad: u8| {
        let mut block = [pad; BLOCK];
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        block
    };
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().into()
}

#[cfg(test)]
mod tests {
    use model::id::Shard;

    use super::*;

    fn namespace(name: &str) -> Namespace {
        Namespace::new(name).unwrap()
    }

    fn id(byte: u8) -> ActivationId {
        ActivationId::new(Shard::new(1), [byte; 16])
    }

    /// RFC 4231 has keys of 20 and of 131 bytes: one of 32 is such a key padded with zeros.
    #[test]
    fn the_hmac_is_that_of_the_standard() {
        let mut key = [0; 32];
        key[..20].fill(0x0b);
        let hex: String =
            hmac(&key, b"Hi There").iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
        let mut key = [0; 32];
        key[..4].copy_from_slice(b"Jefe");
        let hex: String = hmac(&key, b"what do ya want for nothing?")
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn a_key_follows_from_what_it_is_for_and_from_nothing_else() {
        let (guest, other) = (namespace("guest"), namespace("other"));
        let (a, b) = (EntityKey("n/guest/a".into()), EntityKey("n/guest/b".into()));
        let minter = Minter::new([1; 32]);
        let again = |minter: &Minter, namespace, since, action, born| {
            let (since, born) = (Offset(since), Offset(born));
            minter.mint(Purpose { subject: "guest", namespace, since, action, born })
        };
        let mint =
            |minter: &Minter, namespace, action, born| again(minter, namespace, 1, action, born);
        let key = mint(&minter, &guest, &a, 1);
        assert_eq!(key, mint(&Minter::new([1; 32]), &guest, &a, 1));
        for different in [
            mint(&Minter::new([2; 32]), &guest, &a, 1),
            mint(&minter, &other, &a, 1),
            mint(&minter, &guest, &b, 1),
            mint(&minter, &guest, &a, 2),
            again(&minter, &guest, 2, &a, 1),
        ] {
            assert_ne!(key.secret(), different.secret());
            assert_ne!(key.user(), different.user());
        }
        assert_eq!(Key::parse(&key.reveal()), Ok(key.clone()));
        let shard = ledger::id::shard_of(&guest).number();
        assert_eq!(key.user()[..3], format!("{shard:03x}"));
    }

    #[test]
    fn a_key_opens_something_while_an_activation_holds_it() {
        let minter = Minter::new([1; 32]);
        let (guest, action) = (namespace("guest"), EntityKey("n/guest/a".into()));
        let (since, born) = (Offset(0), Offset(1));
        let purpose = Purpose { subject: "guest", namespace: &guest, since, action: &action, born };
        let key = minter.mint(purpose);
        let secret = digest_of(key.secret().as_bytes());
        let opens = || minter.opened_by(key.user(), &secret).is_some();
        assert!(!opens());
        assert_eq!(minter.give(id(1), purpose), key);
        minter.give(id(2), purpose);
        minter.give(id(2), purpose);
        assert!(opens());
        assert_eq!(minter.opened_by(key.user(), &digest_of(b"guess")), None);
        minter.ended(id(1));
        minter.ended(id(1));
        assert!(opens());
        minter.ended(id(3));
        minter.ended(id(2));
        assert!(!opens());
        assert!(minter.lock().keys.is_empty() && minter.lock().given.is_empty());
    }
}
