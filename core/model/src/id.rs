//! Identifiers: of activations, of places in the log, of lives of processes, of contents.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One of the 4,096 parts into which namespaces fall by hash of their name.
pub const SHARDS: u16 = 4096;

/// A part of the namespaces, `0..SHARDS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Shard(u16);

impl Shard {
    /// The shard with this number, folded into the range.
    #[must_use]
    pub fn new(number: u16) -> Self {
        Self(number % SHARDS)
    }

    /// The number, `0..SHARDS`.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }
}

/// The id of an activation: 16 bytes, shown as 32 lower-case hexadecimal digits of which the
/// first three are the shard of the namespace that owns the record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ActivationId([u8; 16]);

/// Why a text is no activation id; the texts are those of the REST contract.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadActivationId {
    /// Not 32 characters.
    #[error("Activation id length is {0} but must be 32.")]
    Length(usize),
    /// Other characters than `0-9a-f`.
    #[error("The activation id is not valid.")]
    Characters,
}

impl ActivationId {
    /// An id in `shard` whose other 116 bits are those of `random`.
    #[must_use]
    pub fn new(shard: Shard, random: [u8; 16]) -> Self {
        let mut bytes = random;
        let [high, low] = shard.number().to_be_bytes();
        bytes[0] = (high << 4) | (low >> 4);
        bytes[1] = (low << 4) | (bytes[1] & 0x0f);
        Self(bytes)
    }

    /// The shard in the first three digits.
    #[must_use]
    pub fn shard(self) -> Shard {
        Shard((u16::from(self.0[0]) << 4) | (u16::from(self.0[1]) >> 4))
    }

    /// The 16 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The id with exactly these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for ActivationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for ActivationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ActivationId {
    type Err = BadActivationId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let length = text.chars().count();
        if length != 32 {
            return Err(BadActivationId::Length(length));
        }
        read_hex(text).map(Self).ok_or(BadActivationId::Characters)
    }
}

/// A record's place in its partition; in the embedded log the sequence number of its frame.
/// The first record has offset 1; [`Offset::NONE`] is the place before it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Offset(pub u64);

impl Offset {
    /// The place before the first record.
    pub const NONE: Self = Self(0);

    /// The place behind this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The place before this one; that before the first is [`Offset::NONE`], and so is the one before that.
    #[must_use]
    pub fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of an owner's claim; rises by one inside a partition.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Epoch(pub u64);

/// One life of a controller.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct NodeId(pub u64);

/// The number of an invoker; shown as `invoker<n>`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct InvokerId(pub u32);

impl fmt::Display for InvokerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invoker{}", self.0)
    }
}

/// One life of an invoker: a counter and 64 random bits.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Incarnation {
    /// Rises with every start of this invoker.
    pub counter: u64,
    /// Tells apart two lives that took the same counter.
    pub random: u64,
}

/// SHA-256 of some bytes; names blobs, keys and requests.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A digest is 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a digest is 64 hexadecimal digits in lower case")]
pub struct BadDigest;

impl FromStr for Digest {
    type Err = BadDigest;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        read_hex(text).map(Self).ok_or(BadDigest)
    }
}

fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0_u8; 64];
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 0x0f)];
    }
    f.write_str(std::str::from_utf8(&text[..bytes.len() * 2]).map_err(|_| fmt::Error)?)
}

fn read_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let text = text.as_bytes();
    if text.len() != N * 2 {
        return None;
    }
    let mut bytes = [0_u8; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = (hex_digit(pair[0])? << 4) | hex_digit(pair[1])?;
    }
    Some(bytes)
}

fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_activation_id_carries_its_shard_in_three_digits() {
        let id = ActivationId::new(Shard::new(0xabc), [0xff; 16]);
        assert_eq!(id.to_string(), "abcfffffffffffffffffffffffffffff");
        assert_eq!(id.shard().number(), 0xabc);
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn a_bad_activation_id_is_told_in_the_words_of_the_contract() {
        let too_short = "abc".parse::<ActivationId>().unwrap_err();
        assert_eq!(too_short.to_string(), "Activation id length is 3 but must be 32.");
        let upper = "A".repeat(32).parse::<ActivationId>().unwrap_err();
        assert_eq!(upper.to_string(), "The activation id is not valid.");
    }
}
