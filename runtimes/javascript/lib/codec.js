// Text encodings of Buffer and StringDecoder: utf8, utf16le, latin1, ascii, base64, base64url, hex.
//
// Each codec has encode(string) -> Uint8Array, decode(bytes) -> string and byteLength(string),
// as lenient as Node.js: base64 ends at the first '=' and skips what is none of its letters, hex
// ends at the first pair that is none.
'use strict';

const chunkSize = 4096;

function fromCharCodes(codes) {
  let text = '';
  for (let at = 0; at < codes.length; at += chunkSize) {
    text += String.fromCharCode.apply(null, codes.subarray(at, at + chunkSize));
  }
  return text;
}

function encodeLatin1(string) {
  const bytes = new Uint8Array(string.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = string.charCodeAt(i);
  return bytes;
}

function encodeUtf16(string) {
  const bytes = new Uint8Array(string.length * 2);
  for (let i = 0; i < string.length; i++) {
    const code = string.charCodeAt(i);
    bytes[i * 2] = code;
    bytes[i * 2 + 1] = code >> 8;
  }
  return bytes;
}

function decodeUtf16(bytes) {
  const even = bytes.slice(0, bytes.length & ~1);
  return fromCharCodes(new Uint16Array(even.buffer, even.byteOffset, even.length >> 1));
}

const { toBase64, toHex } = Uint8Array.prototype;
const strictBase64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** The letters of base64 alone, without padding; a lone last letter stands for nothing. */
function base64Letters(string) {
  const end = string.indexOf('=');
  let letters = end < 0 ? string : string.slice(0, end);
  if (!strictBase64.test(letters)) {
    letters = letters.replace(/[^A-Za-z0-9+/_-]+/g, '').replace(/-/g, '+').replace(/_/g, '/');
  }
  return letters.length % 4 === 1 ? letters.slice(0, -1) : letters;
}

const encodeBase64 = (string) => Uint8Array.fromBase64(base64Letters(string));

function base64ByteLength(string) {
  let { length } = string;
  if (string.endsWith('=')) length -= string.endsWith('==') ? 2 : 1;
  return (length * 3) >>> 2;
}

const encodeHex = (string) => Uint8Array.fromHex(/^(?:[0-9a-f]{2})*/i.exec(string)[0]);

const codecs = {
  utf8: {
    encode: (string) => host.utf8Encode(string),
    decode: (bytes) => host.utf8Decode(bytes, false),
    byteLength: (string) => host.utf8Encode(string).length,
  },
  utf16le: {
    encode: encodeUtf16,
    decode: decodeUtf16,
    byteLength: (string) => string.length * 2,
  },
  latin1: {
    encode: encodeLatin1,
    decode: fromCharCodes,
    byteLength: (string) => string.length,
  },
  ascii: {
    encode: encodeLatin1,
    decode: (bytes) => fromCharCodes(bytes.map((byte) => byte & 0x7f)),
    byteLength: (string) => string.length,
  },
  base64: {
    encode: encodeBase64,
    decode: (bytes) => toBase64.call(bytes),
    byteLength: base64ByteLength,
  },
  base64url: {
    encode: encodeBase64,
    decode: (bytes) => toBase64.call(bytes, { alphabet: 'base64url', omitPadding: true }),
    byteLength: base64ByteLength,
  },
  hex: {
    encode: encodeHex,
    decode: (bytes) => toHex.call(bytes),
    byteLength: (string) => string.length >>> 1,
  },
};
for (const name of Object.keys(codecs)) codecs[name].name = name;

const aliases = {
  __proto__: null,
  utf8: 'utf8', 'utf-8': 'utf8', ucs2: 'utf16le', 'ucs-2': 'utf16le', utf16le: 'utf16le',
  'utf-16le': 'utf16le', latin1: 'latin1', binary: 'latin1', ascii: 'ascii', base64: 'base64',
  base64url: 'base64url', hex: 'hex',
};

/** The canonical name of an encoding, or undefined. */
function normalizeEncoding(name) {
  if (name === undefined || name === null || name === '') return 'utf8';
  return aliases[`${name}`.toLowerCase()];
}

const codecOf = (name) => codecs[normalizeEncoding(name)];

module.exports = { codecs, codecOf, normalizeEncoding, fromCharCodes };
