//! The state hash: a wrapping 128-bit sum of the hashes of all entries, kept as they change.
//!
//! Equal states give equal sums in whatever order they came about, so followers compare one number
//! (I13). It is a detector of our own mistakes and of damage, not a defence against forgers: whoever
//! can write the log needs no collision. So entries are mixed by folded multiplication in two lanes,
//! which costs a fifth of SHA-256 and is the same on every machine.

use serde::Serialize;

/// A sum of entry hashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum(u128);

impl Sum {
    /// An entry is there now.
    pub fn add(&mut self, entry: u128) {
        self.0 = self.0.wrapping_add(entry);
    }

    /// An entry is gone.
    pub fn remove(&mut self, entry: u128) {
        self.0 = self.0.wrapping_sub(entry);
    }

    /// The sum.
    #[must_use]
    pub fn value(self) -> u128 {
        self.0
    }
}

/// What an entry is; equal bytes in two tables must not look the same.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Table {
    Owner = 1,
    Totals,
    Entity,
    Kept,
    Key,
    Floor,
    Schedule,
    Source,
    Open,
    OpenNow,
}

/// The hash of one entry of a table, over its stored form.
pub(crate) fn entry(table: Table, value: &impl Serialize) -> u128 {
    let buffer = Vec::with_capacity(256);
    // Serialising into a vector of plain data has nothing to fail on: no unknown lengths.
    let bytes = postcard::to_extend(value, buffer).expect("entries serialise");
    mix(table as u64, &bytes)
}

const LANES: [u64; 4] =
    [0x9e37_79b9_7f4a_7c15, 0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb, 0xd6e8_feb8_6659_fd93];

/// Both lanes see every word, each with constants of its own.
fn mix(seed: u64, bytes: &[u8]) -> u128 {
    let mut a = LANES[0] ^ seed;
    let mut b = LANES[1] ^ bytes.len() as u64;
    let mut pairs = bytes.chunks_exact(16);
    for pair in &mut pairs {
        (a, b) = stir(a, b, word(&pair[..8]), word(&pair[8..]));
    }
    let mut last = [0; 16];
    last[..pairs.remainder().len()].copy_from_slice(pairs.remainder());
    (a, b) = stir(a, b, word(&last[..8]), word(&last[8..]));
    (a, b) = stir(a, b, seed, LANES[2]);
    (u128::from(a) << 64) | u128::from(b)
}

fn stir(a: u64, b: u64, x: u64, y: u64) -> (u64, u64) {
    let next_a = a.rotate_left(23) ^ fold(a ^ x, y ^ LANES[2]);
    let next_b = b.rotate_left(41).wrapping_add(fold(b ^ y, x ^ LANES[3]));
    (next_a ^ next_b.rotate_left(7), next_b)
}

/// High and low half of the product.
#[expect(clippy::cast_possible_truncation, reason = "the halves are what is meant")]
fn fold(x: u64, y: u64) -> u64 {
    let product = u128::from(x) * u128::from(y);
    (product >> 64) as u64 ^ product as u64
}

fn word(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, byte| (word << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_order_of_entries_does_not_matter_their_number_does() {
        let (a, b) = (entry(Table::Key, &"a"), entry(Table::Key, &"b"));
        let mut sum = Sum::default();
        sum.add(a);
        sum.add(b);
        sum.remove(a);
        assert_eq!(sum.value(), b);
        assert_ne!(entry(Table::Entity, &"a"), a);
    }

    #[test]
    fn small_differences_give_other_hashes_in_both_halves() {
        let mut seen = BTreeSet::new();
        for length in 0..40_usize {
            for place in 0..length.max(1) {
                for bit in 0..8 {
                    let mut bytes = vec![0; length];
                    if let Some(byte) = bytes.get_mut(place) {
                        *byte = 1_u8 << bit;
                    }
                    let hash = mix(1, &bytes);
                    seen.insert((0, hash >> 64));
                    seen.insert((1, hash & u128::from(u64::MAX)));
                }
            }
        }
        assert_eq!(seen.len(), 2 * (1 + (1..40).map(|n| n * 8).sum::<usize>()));
    }
}
