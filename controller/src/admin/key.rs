//! New keys.

use daemon::random::Random;
use model::identity::{Key, SECRET, uuid};

const LETTERS: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// A key that nobody can foresee: a UUID, and 64 letters and digits.
#[must_use]
pub fn make(random: &Random) -> Key {
    let letter = || usize::try_from(random.below(62)).map_or('a', |at| char::from(LETTERS[at]));
    Key::new(uuid(random.bytes()), std::iter::repeat_with(letter).take(SECRET).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_is_one_and_no_two_are_equal() {
        let random = Random::seeded(1);
        let (one, other) = (make(&random), make(&random));
        assert_eq!(Key::parse(&one.reveal()), Ok(one.clone()));
        assert!(one.secret().bytes().all(|c| c.is_ascii_alphanumeric()));
        assert_ne!(one, other);
    }
}
