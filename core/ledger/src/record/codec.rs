//! Bytes of a record: version, CRC32C of version and body, body.

use bytes::Bytes;
use postcard::ser_flavors::Size;

use super::Record;

/// The version that is written.
pub const VERSION: u8 = 1;
/// Version byte and CRC.
const HEAD: usize = 5;

/// Why some bytes are no record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRecord {
    /// Damaged in storage or on the way: reading again may help.
    #[error("the checksum of a record of {0} bytes does not match")]
    Checksum(usize),
    /// Written by a newer program: stop following.
    #[error("record version {0} is not known here")]
    Version(u8),
    /// Whole, of a known version, and still not readable: a bug of whoever wrote it.
    #[error("decode the body of a record")]
    Body(#[source] postcard::Error),
    /// There is something behind the record.
    #[error("{0} bytes stand behind a record")]
    Trailing(usize),
}

impl Record {
    /// The record as it is stored and sent.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut head = Vec::with_capacity(512); // most records
        head.extend_from_slice(&[VERSION, 0, 0, 0, 0]);
        // Serialising into a vector of plain data has nothing to fail on: no unknown lengths.
        let mut bytes = postcard::to_extend(self, head).expect("records serialise");
        let crc = checksum(&bytes);
        bytes[1..HEAD].copy_from_slice(&crc.to_le_bytes());
        bytes.into()
    }

    /// Reads a record back.
    ///
    /// # Errors
    /// [`BadRecord`]; a bad checksum is told before an unknown version, so that a flipped version
    /// byte is not taken for a newer program.
    pub fn decode(bytes: &[u8]) -> Result<Self, BadRecord> {
        let Some((head, body)) = bytes.split_at_checked(HEAD) else {
            return Err(BadRecord::Checksum(bytes.len()));
        };
        if head[1..] != checksum(bytes).to_le_bytes() {
            return Err(BadRecord::Checksum(bytes.len()));
        }
        if head[0] != VERSION {
            return Err(BadRecord::Version(head[0]));
        }
        match postcard::take_from_bytes(body) {
            Ok((record, [])) => Ok(record),
            Ok((_, rest)) => Err(BadRecord::Trailing(rest.len())),
            Err(error) => Err(BadRecord::Body(error)),
        }
    }
}

/// How many bytes a part of a record takes in it.
#[must_use]
pub fn size(part: &impl serde::Serialize) -> usize {
    // Counting plain data has nothing to fail on.
    postcard::serialize_with_flavor(part, Size::default()).unwrap_or(usize::MAX)
}

/// CRC32C of the version byte and the body, without the checksum's own place.
fn checksum(bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&bytes[..1]), &bytes[HEAD..])
}
