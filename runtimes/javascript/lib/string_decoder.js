// The module `string_decoder`: text of byte chunks, which may end inside a character.
'use strict';

const { Buffer } = require('buffer');
const { codes } = require('internal/errors');
const { codecs, normalizeEncoding } = require('internal/codec');

/** How many bytes at the end of `bytes` begin something that the next chunk may finish. */
const unfinished = {
  utf8(bytes) {
    for (let back = 1; back <= Math.min(3, bytes.length); back++) {
      const byte = bytes[bytes.length - back];
      if ((byte & 0xc0) === 0x80) continue;
      if (byte >= 0xf0 && byte < 0xf8) return back < 4 ? back : 0;
      if (byte >= 0xe0) return byte < 0xf0 && back < 3 ? back : 0;
      return byte >= 0xc0 && back < 2 ? back : 0;
    }
    return 0;
  },
  utf16le(bytes) {
    const odd = bytes.length % 2;
    const high = bytes[bytes.length - odd - 1];
    return high >= 0xd8 && high <= 0xdb ? odd + 2 : odd;
  },
  base64: (bytes) => bytes.length % 3,
  base64url: (bytes) => bytes.length % 3,
};
const never = () => 0;

function bytesOf(chunk) {
  if (ArrayBuffer.isView(chunk)) {
    return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  }
  throw codes.ERR_INVALID_ARG_TYPE('buf', ['Buffer', 'TypedArray', 'DataView'], chunk);
}

function StringDecoder(encoding) {
  this.encoding = normalizeEncoding(encoding);
  if (this.encoding === undefined) throw codes.ERR_UNKNOWN_ENCODING(encoding);
  Object.defineProperty(this, 'rest', { value: Buffer.alloc(0), writable: true });
}

StringDecoder.prototype.write = function write(chunk) {
  if (typeof chunk === 'string') return chunk;
  const fresh = bytesOf(chunk);
  const bytes = this.rest.length > 0 ? Buffer.concat([this.rest, fresh]) : fresh;
  const held = (unfinished[this.encoding] ?? never)(bytes);
  this.rest = Buffer.from(bytes.slice(bytes.length - held));
  return codecs[this.encoding].decode(held > 0 ? bytes.subarray(0, bytes.length - held) : bytes);
};

StringDecoder.prototype.end = function end(chunk) {
  const text = chunk === undefined ? '' : this.write(chunk);
  const rest = codecs[this.encoding].decode(this.rest);
  this.rest = Buffer.alloc(0);
  return text + rest;
};

StringDecoder.prototype.text = function text(chunk, offset) {
  this.rest = Buffer.alloc(0);
  return this.write(bytesOf(chunk).subarray(offset));
};

Object.defineProperties(StringDecoder.prototype, {
  lastChar: { get() { return this.rest; }, configurable: true, enumerable: true },
  lastNeed: {
    get() { return this.rest.length > 0 ? 1 : 0; }, configurable: true, enumerable: true,
  },
  lastTotal: { get() { return this.rest.length; }, configurable: true, enumerable: true },
});

exports.StringDecoder = StringDecoder;
