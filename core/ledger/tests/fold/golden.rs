//! Bytes of records that older programs wrote stay readable for ever; bytes of today do not change.

use std::collections::BTreeSet;
use std::path::PathBuf;

use ledger::record::{BadRecord, Record, VERSION};

use super::samples;

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/v{VERSION}-{name}.hex"))
}

fn hex(bytes: &[u8]) -> String {
    let lines: Vec<String> = bytes
        .chunks(32)
        .map(|line| line.iter().map(|byte| format!("{byte:02x}")).collect())
        .collect();
    lines.join("\n") + "\n"
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

#[test]
fn bytes_of_records_do_not_change() {
    for (name, record) in samples::all() {
        let golden = std::fs::read_to_string(file(name))
            .unwrap_or_else(|_| panic!("{name}: no golden bytes; see `write_golden_bytes`"));
        assert_eq!(hex(&record.encode()), golden, "{name}: the format of the log changed");
        assert_eq!(Record::decode(&unhex(&golden)), Ok(record), "{name}");
    }
}

/// For a new kind of record, or a new version: `cargo test -p quirl-ledger write_golden -- --ignored`.
/// Files of versions that were released are never written again.
#[test]
#[ignore = "writes files"]
fn write_golden_bytes() {
    for (name, record) in samples::all() {
        std::fs::write(file(name), hex(&record.encode())).unwrap();
    }
}

#[test]
fn there_are_golden_bytes_of_every_kind() {
    let kinds: BTreeSet<_> = samples::all().iter().map(|(_, it)| it.body.kind()).collect();
    assert_eq!(kinds.len(), 13);
    for (name, record) in samples::all() {
        assert!(name.starts_with(record.body.kind()), "{name}");
        assert_eq!(record.body.stamp().copied(), record.body.clone().stamp_mut().copied());
    }
}

#[test]
fn blobs_that_records_name_are_known() {
    let named: usize = samples::all().iter().map(|(_, it)| it.body.blobs().len()).sum();
    assert_eq!(named, 2 + 1 + 1 + 1, "write, accept-source, logs of finish-platform, archived");
}

#[test]
fn f044_an_unknown_version_is_told_from_damage() {
    let (_, record) = samples::all().swap_remove(0);
    let mut bytes = record.encode().to_vec();
    bytes[0] = VERSION + 1;
    assert_eq!(Record::decode(&bytes), Err(BadRecord::Checksum(bytes.len())), "a flipped bit");
    let crc = crc32c::crc32c_append(crc32c::crc32c(&bytes[..1]), &bytes[5..]);
    bytes[1..5].copy_from_slice(&crc.to_le_bytes());
    assert_eq!(Record::decode(&bytes), Err(BadRecord::Version(VERSION + 1)));
}

#[test]
fn f045_every_flipped_bit_and_every_cut_is_seen() {
    for (name, record) in samples::all() {
        let bytes = record.encode();
        for place in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.to_vec();
                flipped[place] ^= 1 << bit;
                assert!(
                    matches!(Record::decode(&flipped), Err(BadRecord::Checksum(_))),
                    "{name}: {place}.{bit}"
                );
            }
            assert!(matches!(Record::decode(&bytes[..place]), Err(BadRecord::Checksum(_))));
        }
    }
}

#[test]
fn a_whole_record_of_nonsense_is_an_error_of_its_own() {
    let sealed = |body: &[u8]| {
        let crc = crc32c::crc32c_append(crc32c::crc32c(&[VERSION]), body);
        [&[VERSION], &crc.to_le_bytes()[..], body].concat()
    };
    assert!(matches!(Record::decode(&sealed(&[0, 99])), Err(BadRecord::Body(_))));
    assert!(matches!(Record::decode(&sealed(&[])), Err(BadRecord::Body(_))));
    let (_, record) = samples::all().swap_remove(1);
    let long = [&record.encode()[5..], &[0]].concat();
    assert_eq!(Record::decode(&sealed(&long)), Err(BadRecord::Trailing(1)));
}

proptest::proptest! {
    #[test]
    fn f045_no_bytes_make_the_decoder_panic(
        body in proptest::collection::vec(proptest::num::u8::ANY, 0..300),
    ) {
        let crc = crc32c::crc32c_append(crc32c::crc32c(&[VERSION]), &body);
        let bytes = [&[VERSION], &crc.to_le_bytes()[..], &body].concat();
        if let Ok(record) = Record::decode(&bytes) {
            // Numbers may be written longer than need be: the bytes differ, the record does not.
            proptest::prop_assert_eq!(Record::decode(&record.encode()), Ok(record));
        }
    }
}
