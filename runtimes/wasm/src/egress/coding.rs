//! Decompressing bodies, within a bound. Pure.

use std::io::Read;

use bytes::Bytes;
use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

/// More codings than this on one body are no answer but an attack.
const MAX_CODINGS: usize = 5;

/// How a body was compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Gzip,
    Deflate,
}

/// Why a body cannot be decompressed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Error {
    TooLarge,
    /// It is not what its headers say.
    Broken,
    TooMany,
}

/// Codings of a body, the last one applied first. None if we do not know one of them: then the
/// body is handed out as it came.
pub(super) fn codings(headers: &HeaderMap) -> Result<Vec<Coding>, Error> {
    let values = headers.get_all(CONTENT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let names = values.flat_map(|value| value.split(',')).map(str::trim);
    let names: Vec<_> = names.filter(|name| !name.is_empty()).collect();
    if names.len() > MAX_CODINGS {
        return Err(Error::TooMany);
    }
    let codings: Option<Vec<_>> = names.into_iter().rev().map(coding).collect();
    Ok(codings.unwrap_or_default())
}

fn coding(name: &str) -> Option<Coding> {
    match name.to_ascii_lowercase().as_str() {
        "gzip" | "x-gzip" => Some(Coding::Gzip),
        "deflate" => Some(Coding::Deflate),
        _ => None,
    }
}

/// Undoes `codings` in their order; no step may give more than `max` bytes.
pub(super) fn decode(codings: &[Coding], body: Bytes, max: u64) -> Result<Bytes, Error> {
    codings.iter().try_fold(body, |body, coding| undo(*coding, &body, max))
}

fn undo(coding: Coding, body: &[u8], max: u64) -> Result<Bytes, Error> {
    match coding {
        _ if body.is_empty() => Ok(Bytes::new()),
        Coding::Gzip => read(MultiGzDecoder::new(body), max),
        // Servers differ about whether there is a zlib header around it.
        Coding::Deflate if body[0] & 0x0f == 8 => read(ZlibDecoder::new(body), max),
        Coding::Deflate => read(DeflateDecoder::new(body), max),
    }
}

fn read(decoder: impl Read, max: u64) -> Result<Bytes, Error> {
    let mut decoded = Vec::new();
    let count = decoder.take(max.saturating_add(1)).read_to_end(&mut decoded);
    let count = count.map_err(|_| Error::Broken)?;
    if count as u64 > max { Err(Error::TooLarge) } else { Ok(decoded.into()) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use http::HeaderValue;

    use super::*;

    fn gzip(bytes: &[u8]) -> Bytes {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap().into()
    }

    #[test]
    fn each_form_is_decoded() {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(b"text").unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::default());
        raw.write_all(b"text").unwrap();
        let twice = gzip(&gzip(b"text"));
        let table: [(&[Coding], Bytes); 5] = [
            (&[Coding::Gzip], gzip(b"text")),
            (&[Coding::Deflate], zlib.finish().unwrap().into()),
            (&[Coding::Deflate], raw.finish().unwrap().into()),
            (&[Coding::Gzip, Coding::Gzip], twice),
            (&[], Bytes::from_static(b"text")),
        ];
        for (codings, body) in table {
            assert_eq!(decode(codings, body, 64).as_deref(), Ok(b"text".as_slice()), "{codings:?}");
        }
        assert_eq!(decode(&[Coding::Gzip], Bytes::new(), 64), Ok(Bytes::new()));
    }

    #[test]
    fn a_bomb_and_a_torn_body_are_errors() {
        let zeros = vec![0; 1 << 20];
        let bomb = gzip(&zeros);
        let size = zeros.len() as u64;
        assert_eq!(decode(&[Coding::Gzip], bomb.clone(), size - 1), Err(Error::TooLarge));
        assert_eq!(decode(&[Coding::Gzip], bomb.clone(), size).map(|it| it.len()), Ok(zeros.len()));
        let torn = bomb.slice(..bomb.len() / 2);
        assert_eq!(decode(&[Coding::Gzip], torn, size), Err(Error::Broken));
        let other = Bytes::from_static(b"text");
        assert_eq!(decode(&[Coding::Gzip], other.clone(), size), Err(Error::Broken));
        assert_eq!(decode(&[Coding::Deflate], other, size), Err(Error::Broken));
    }

    #[test]
    fn headers_name_the_codings() {
        for (value, expected) in [
            ("gzip", Ok(vec![Coding::Gzip])),
            ("X-GZip", Ok(vec![Coding::Gzip])),
            ("deflate, gzip", Ok(vec![Coding::Gzip, Coding::Deflate])),
            ("br", Ok(vec![])),
            ("gzip, br", Ok(vec![])),
            ("", Ok(vec![])),
            ("gzip,gzip,gzip,gzip,gzip,gzip", Err(Error::TooMany)),
        ] {
            let headers =
                HeaderMap::from_iter([(CONTENT_ENCODING, HeaderValue::from_static(value))]);
            assert_eq!(codings(&headers), expected, "{value}");
        }
    }
}
