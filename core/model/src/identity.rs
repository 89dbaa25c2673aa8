//! Who calls: subject, namespace, rights and limits behind one key.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::{Digest, Offset};
use crate::limits::NamespaceLimits;
use crate::name::{BadName, Namespace};
use crate::time::WallTime;

/// Whose behalf an authenticated request is on.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Who authenticated.
    pub subject: String,
    /// The namespace that the key selects.
    pub namespace: Namespace,
    /// Since when there is that namespace: one that is made again is another one.
    pub since: Offset,
    /// The limits of that namespace.
    pub limits: Arc<NamespaceLimits>,
}

/// A subject: a person or a program with namespaces of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Its name, at least 5 characters.
    pub name: String,
    /// Its keys do not authenticate while this is set.
    pub blocked: bool,
    /// When it was made, if that was noted.
    pub created: Option<WallTime>,
    /// Its namespaces, the oldest first.
    pub namespaces: Vec<Namespace>,
}

/// A key as stored under its user part: never the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessKey {
    /// SHA-256 of the secret.
    pub secret: Digest,
    /// Who authenticates with it.
    pub subject: String,
    /// The namespace that it selects.
    pub namespace: Namespace,
    /// When it was made, if that was noted.
    pub created: Option<WallTime>,
}

/// A whole key, `<user part>:<secret>`: for whoever it was made for, and for nobody else. Neither
/// `Debug` nor `Display` shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    user: String,
    secret: String,
}

/// A secret has exactly so many characters.
pub const SECRET: usize = 64;

/// A text that is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("A key is '<uuid>:<secret>' with a secret of exactly 64 characters.")]
pub struct BadKey;

impl Key {
    /// A key of these parts, which whoever made them vouches for.
    #[must_use]
    pub fn new(user: String, secret: String) -> Self {
        Self { user, secret }
    }

    /// Reads `<uuid>:<secret>`.
    ///
    /// # Errors
    /// [`BadKey`].
    pub fn parse(text: &str) -> Result<Self, BadKey> {
        let (user, secret) = text.split_once(':').ok_or(BadKey)?;
        if !is_uuid(user) || secret.chars().count() != SECRET {
            return Err(BadKey);
        }
        Ok(Self::new(user.to_owned(), secret.to_owned()))
    }

    /// The user part: no secret.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The secret.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// `<user part>:<secret>`, to be shown once.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{}:{}", self.user, self.secret)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("user", &self.user).finish_non_exhaustive()
    }
}

/// 32 hexadecimal digits in groups of 8, 4, 4, 4 and 12.
fn is_uuid(text: &str) -> bool {
    let mut groups = text.split('-');
    let fits = |group: Option<&str>, length: usize| {
        group.is_some_and(|it| it.len() == length && it.bytes().all(|c| c.is_ascii_hexdigit()))
    };
    [8, 4, 4, 4, 12].into_iter().all(|length| fits(groups.next(), length))
        && groups.next().is_none()
}

/// 16 bytes as a UUID: version 4, of the usual variant.
#[must_use]
pub fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let groups = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    groups.join("-")
}

/// Why a text is no name of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSubject {
    /// Fewer than 5 characters.
    #[error("The subject must have at least 5 characters.")]
    Short,
    /// Characters that no name has.
    #[error("The subject contains illegal characters.")]
    Characters,
}

/// Checks the name of a subject: that of a namespace, of at least 5 characters. How long it may be
/// is said of the namespace of its name.
///
/// # Errors
/// [`BadSubject`].
pub fn check_subject(name: &str) -> Result<(), BadSubject> {
    if name.chars().count() < 5 {
        return Err(BadSubject::Short);
    }
    match Namespace::new(name) {
        Err(BadName::NamespaceCharacters) => Err(BadSubject::Characters),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_and_never_shown() {
        let secret = "s".repeat(SECRET);
        let user = "23bc46b1-71f6-4ed5-8c54-816aa4f8c502";
        let key = Key::parse(&format!("{user}:{secret}")).unwrap();
        assert_eq!((key.user(), key.secret()), (user, secret.as_str()));
        assert_eq!(key.reveal(), format!("{user}:{secret}"));
        assert!(!format!("{key:?}").contains("ss"));
        for bad in [
            String::new(),
            user.to_owned(),
            format!("{user}:{secret}s"),
            format!("{user}:{}", &secret[1..]),
            format!("{}:{secret}", &user[1..]),
            format!("{user}-00:{secret}"),
            format!("{}:{secret}", user.replace('2', "x")),
        ] {
            assert_eq!(Key::parse(&bad), Err(BadKey), "{bad}");
        }
    }

    #[test]
    fn a_uuid_says_its_version() {
        assert_eq!(uuid([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert!(is_uuid(&uuid([7; 16])));
    }

    #[test]
    fn subjects_have_names_of_five_characters_or_more() {
        for (name, expected) in [
            ("guest", Ok(())),
            ("ann-lee", Ok(())),
            ("a@b.c", Ok(())),
            ("ann", Err(BadSubject::Short)),
            ("$$$", Err(BadSubject::Short)),
            ("ann+lee", Err(BadSubject::Characters)),
            (" spaced", Err(BadSubject::Characters)),
        ] {
            assert_eq!(check_subject(name), expected, "{name}");
        }
        assert_eq!(check_subject(&"x".repeat(300)), Ok(()));
    }
}
