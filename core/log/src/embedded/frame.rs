//! The bytes of frames and of the header of a segment.
//!
//! All numbers are little-endian. Frames begin at multiples of eight, so that one can be looked
//! for behind damage.

/// Bytes before the payload of a frame.
pub(crate) const HEAD: usize = 40;
/// Where the first frame of a segment begins: the header has a sector of its own.
pub(crate) const DATA_START: u64 = 512;
/// No frame is longer than that, whatever a damaged length says.
pub(crate) const MAX_PAYLOAD: usize = 1 << 26;

pub(crate) const FRAME_MAGIC: u32 = u32::from_le_bytes(*b"Qfrm");
const FRAME_VERSION: u8 = 1;
const MARKER: u8 = 1;

const SEGMENT_MAGIC: [u8; 8] = *b"quirlseg";
const SEGMENT_FORMAT: u32 = 1;
const HEADER: usize = 64;

/// Under what checksums are begun: follows from the ledger id, so that no payload and no frame of
/// another ledger can pose as a frame of this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seed(u32);

impl Seed {
    pub(crate) fn new(ledger: &[u8; 16]) -> Self {
        Self(crc32c::crc32c(ledger))
    }

    fn sum(self, head: &[u8], payload: &[u8]) -> u32 {
        crc32c::crc32c_append(crc32c::crc32c_append(self.0, head), payload)
    }
}

/// What stands before a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// A marker has no payload and no place of its own: its sequence is that of the frame before.
    pub(crate) marker: bool,
    pub(crate) length: u32,
    pub(crate) sequence: u64,
    /// The highest sequence known to be synced when this was written.
    pub(crate) durable: u64,
    /// The checksum of the frame before; of a marker, that of the frame it is about.
    pub(crate) previous: u32,
    pub(crate) crc: u32,
}

impl Head {
    /// Bytes of the whole frame in the file.
    pub(crate) fn size(&self) -> u64 {
        frame_size(self.length as usize)
    }

    /// Reads a head without judging its checksum; `None` if it cannot be one.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let head = Self {
            marker: bytes.get(5)? & MARKER != 0,
            length: u32_at(bytes, 8)?,
            previous: u32_at(bytes, 12)?,
            sequence: u64_at(bytes, 16)?,
            durable: u64_at(bytes, 24)?,
            crc: u32_at(bytes, 36)?,
        };
        let plausible = u32_at(bytes, 0)? == FRAME_MAGIC
            && bytes[4] == FRAME_VERSION
            && head.length as usize <= MAX_PAYLOAD;
        plausible.then_some(head)
    }

    /// Whether `frame`, head and payload, has the checksum it says.
    pub(crate) fn is_whole(&self, seed: Seed, frame: &[u8]) -> bool {
        seed.sum(&frame[..HEAD - 4], &frame[HEAD..]) == self.crc
    }
}

/// Bytes that a frame with such a payload takes in the file.
pub(crate) fn frame_size(payload: usize) -> u64 {
    ((HEAD + payload) as u64).next_multiple_of(8)
}

/// Writes a frame behind `buffer` and says its checksum.
pub(crate) fn encode(
    buffer: &mut Vec<u8>,
    seed: Seed,
    sequence: u64,
    durable: u64,
    previous: u32,
    payload: Option<&[u8]>,
) -> u32 {
    let (flags, payload) = payload.map_or((MARKER, &[][..]), |payload| (0, payload));
    // Longer payloads were refused before they came here.
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let start = buffer.len();
    buffer.extend_from_slice(&FRAME_MAGIC.to_le_bytes());
    buffer.extend_from_slice(&[FRAME_VERSION, flags, 0, 0]);
    buffer.extend_from_slice(&length.to_le_bytes());
    buffer.extend_from_slice(&previous.to_le_bytes());
    buffer.extend_from_slice(&sequence.to_le_bytes());
    buffer.extend_from_slice(&durable.to_le_bytes());
    buffer.extend_from_slice(&[0; 4]);
    let crc = seed.sum(&buffer[start..], payload);
    buffer.extend_from_slice(&crc.to_le_bytes());
    buffer.extend_from_slice(payload);
    let end = start + (buffer.len() - start).next_multiple_of(8);
    buffer.resize(end, 0);
    crc
}

/// What stands at the beginning of a segment; written once, and synced before the segment has its
/// name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) os_mode: bool,
    pub(crate) ledger: [u8; 16],
    pub(crate) number: u64,
    pub(crate) first: u64,
    /// The checksum of the frame before `first`.
    pub(crate) previous: u32,
    /// The highest sequence known to be synced when the segment was made.
    pub(crate) durable: u64,
}

impl Header {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER);
        bytes.extend_from_slice(&SEGMENT_MAGIC);
        bytes.extend_from_slice(&SEGMENT_FORMAT.to_le_bytes());
        bytes.extend_from_slice(&[u8::from(self.os_mode), 0, 0, 0]);
        bytes.extend_from_slice(&self.ledger);
        bytes.extend_from_slice(&self.number.to_le_bytes());
        bytes.extend_from_slice(&self.first.to_le_bytes());
        bytes.extend_from_slice(&self.durable.to_le_bytes());
        bytes.extend_from_slice(&self.previous.to_le_bytes());
        let crc = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// `None` if these bytes are no whole header.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..HEADER)?;
        let whole = bytes[..8] == SEGMENT_MAGIC
            && u32_at(bytes, 8)? == SEGMENT_FORMAT
            && u32_at(bytes, HEADER - 4)? == crc32c::crc32c(&bytes[..HEADER - 4]);
        if !whole {
            return None;
        }
        Some(Self {
            os_mode: bytes[12] != 0,
            ledger: bytes[16..32].try_into().ok()?,
            number: u64_at(bytes, 32)?,
            first: u64_at(bytes, 40)?,
            durable: u64_at(bytes, 48)?,
            previous: u32_at(bytes, 56)?,
        })
    }
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_back_and_no_flip_of_a_bit_goes_unseen() {
        let header = Header {
            os_mode: true,
            ledger: [7; 16],
            number: 3,
            first: 41,
            previous: 0xdead_beef,
            durable: 40,
        };
        let bytes = header.encode();
        assert_eq!(bytes.len(), HEADER);
        assert_eq!(Header::parse(&bytes), Some(header));
        for bit in 0..HEADER * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Header::parse(&flipped), None, "bit {bit}");
        }
    }

    #[test]
    fn a_frame_of_another_ledger_is_not_whole() {
        let (ours, other) = (Seed::new(&[1; 16]), Seed::new(&[2; 16]));
        let mut bytes = Vec::new();
        let crc = encode(&mut bytes, ours, 9, 8, 5, Some(b"payload"));
        let head = Head::parse(&bytes).expect("a head was just written");
        assert_eq!((head.sequence, head.durable, head.previous, head.crc), (9, 8, 5, crc));
        assert_eq!(head.size(), bytes.len() as u64);
        assert!(head.is_whole(ours, &bytes[..HEAD + 7]));
        assert!(!head.is_whole(other, &bytes[..HEAD + 7]));
    }
}
