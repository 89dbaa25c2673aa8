// TextEncoder and TextDecoder.
//
// The decoder knows utf-8, utf-16le and latin1 (which Node.js 20 decodes byte by byte, also under
// its label windows-1252). The other encodings of the standard raise Node's RangeError.
'use strict';

const { codes, makeError, validateObject } = require('internal/errors');
const { codecs } = require('internal/codec');
const { inspect } = require('internal/inspect');
const { isAnyArrayBuffer } = require('internal/types');
const { tag, makeEnumerable } = require('internal/event_target');

const customInspect = Symbol.for('nodejs.util.inspect.custom');

class TextEncoder {
  get encoding() { return 'utf-8'; }

  encode(input = '') {
    return host.utf8Encode(`${input}`);
  }

  encodeInto(source, target) {
    if (typeof source !== 'string') throw codes.ERR_INVALID_ARG_TYPE('src', 'string', source);
    if (!(target instanceof Uint8Array)) {
      throw codes.ERR_INVALID_ARG_TYPE('dest', 'Uint8Array', target);
    }
    const bytes = host.utf8Encode(source);
    let written = Math.min(bytes.length, target.length);
    while (written > 0 && (bytes[written] & 0xc0) === 0x80) written--;
    target.set(bytes.subarray(0, written));
    const read = written === bytes.length ? source.length
      : host.utf8Decode(bytes.subarray(0, written), false).length;
    return { read, written };
  }

  [customInspect](depth, options) {
    if (depth < 0) return this;
    return inspect({ encoding: this.encoding }, options);
  }
}
tag(TextEncoder);
makeEnumerable(TextEncoder, 'encoding', 'encode', 'encodeInto');

const labels = {
  __proto__: null,
  'utf-8': 'utf-8 utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8',
  'utf-16le': 'utf-16le utf-16 csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff',
  'windows-1252': 'windows-1252 latin1 ascii us-ascii iso-8859-1 iso8859-1 iso88591 '
    + 'iso_8859-1 iso_8859-1:1987 iso-ir-100 l1 csisolatin1 cp1252 x-cp1252 cp819 ibm819 '
    + 'ansi_x3.4-1968',
};

function encodingOf(label) {
  const wanted = `${label}`.trim().toLowerCase();
  return Object.keys(labels).find((name) => labels[name].split(' ').includes(wanted));
}

function unsupported(label) {
  const error = codes.ERR_ENCODING_NOT_SUPPORTED(label);
  const hint = host.unavailable(`TextDecoder('${label}')`).message;
  error.message += `. ${hint}`;
  return error;
}

function bytesOf(input) {
  if (input === undefined) return new Uint8Array(0);
  if (isAnyArrayBuffer(input)) return new Uint8Array(input);
  if (ArrayBuffer.isView(input)) {
    return new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
  }
  throw makeError(TypeError, 'ERR_INVALID_ARG_TYPE', 'The "list" argument must be an instance of '
    + 'SharedArrayBuffer, ArrayBuffer or ArrayBufferView.', { plainStack: true });
}

function joinBytes(first, second) {
  if (first.length === 0) return second;
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}

/** How many bytes at the end begin a character of utf-8 that may still go on. */
function unfinishedUtf8(bytes) {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back];
    if ((byte & 0xc0) === 0x80) continue;
    const size = byte >= 0xf0 && byte < 0xf5 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc2 ? 2 : 1;
    return size > back && byte < 0xf5 ? back : 0;
  }
  return 0;
}

/** How many bytes at the end are half a unit or half a surrogate pair of utf-16le. */
function unfinishedUtf16(bytes) {
  const odd = bytes.length % 2;
  const high = bytes[bytes.length - odd - 1];
  return high >= 0xd8 && high <= 0xdb ? odd + 2 : odd;
}

function decodeUtf16(bytes, fatal) {
  const text = codecs.utf16le.decode(bytes);
  const whole = bytes.length % 2 === 0;
  if (fatal && !(whole && text.isWellFormed())) throw new TypeError();
  return text.toWellFormed() + (whole ? '' : '\ufffd');
}

const decoders = {
  'utf-8': {
    decode: (bytes, fatal) => host.utf8Decode(bytes, fatal),
    unfinished: unfinishedUtf8,
    marked: true,
  },
  'utf-16le': { decode: decodeUtf16, unfinished: unfinishedUtf16, marked: true },
  'windows-1252': { decode: codecs.latin1.decode, unfinished: () => 0, marked: false },
};

const noBytes = new Uint8Array(0);

class TextDecoder {
  #encoding;
  #fatal;
  #ignoreBOM;
  #rest = noBytes;
  #started = false;

  constructor(label = 'utf-8', options = {}) {
    if (options !== null) validateObject(options, 'options', true);
    this.#encoding = encodingOf(label);
    if (this.#encoding === undefined) throw unsupported(label);
    this.#fatal = Boolean(options?.fatal);
    this.#ignoreBOM = Boolean(options?.ignoreBOM);
  }

  get encoding() { return this.#encoding; }
  get fatal() { return this.#fatal; }
  get ignoreBOM() { return this.#ignoreBOM; }

  decode(input = undefined, options = {}) {
    const decoder = decoders[this.#encoding];
    let bytes = joinBytes(this.#rest, bytesOf(input));
    const stream = Boolean(options?.stream);
    const held = stream ? decoder.unfinished(bytes) : 0;
    this.#rest = held > 0 ? bytes.slice(bytes.length - held) : noBytes;
    if (held > 0) bytes = bytes.subarray(0, bytes.length - held);
    const text = this.#decodeWith(decoder, bytes);
    const drop = decoder.marked && !this.#ignoreBOM && !this.#started
      && text.charCodeAt(0) === 0xfeff;
    this.#started = stream && (this.#started || text.length > 0);
    return drop ? text.slice(1) : text;
  }

  #decodeWith(decoder, bytes) {
    try {
      return decoder.decode(bytes, this.#fatal);
    } catch {
      this.#rest = noBytes;
      this.#started = false;
      throw makeError(TypeError, 'ERR_ENCODING_INVALID_ENCODED_DATA',
        `The encoded data was not valid for encoding ${this.#encoding}`, { plainStack: true });
    }
  }

  [customInspect](depth, options) {
    if (depth < 0) return options.stylize(`[${this.constructor.name}]`, 'special');
    const { encoding, fatal, ignoreBOM } = this;
    return `${this.constructor.name} ${inspect({ encoding, fatal, ignoreBOM }, options)}`;
  }
}
tag(TextDecoder);
makeEnumerable(TextDecoder, 'encoding', 'fatal', 'ignoreBOM', 'decode');

module.exports = { TextEncoder, TextDecoder };
