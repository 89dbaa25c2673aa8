// Buffer and the module `buffer`, as in Node.js 20.
//
// Buffers are Uint8Arrays of the class FastBuffer; there is no pool, so each has an ArrayBuffer of
// its own. Left out: resolveObjectURL, and transcode to other than Buffer's own encodings.
'use strict';

const { codecs, codecOf, normalizeEncoding } = require('internal/codec');
const {
  codes, makeError, validateInteger, validateNumber, validateString,
} = require('internal/errors');
const { inspect, getOwnNonIndexProperties } = require('internal/inspect');
const { isAnyArrayBuffer, isTypedArray, isUint8Array } = require('internal/types');

const kMaxLength = 2 ** 32;
const kStringMaxLength = 2 ** 29 - 24;
const customInspect = Symbol.for('nodejs.util.inspect.custom');

const validateOffset = (value, name, min = 0, max = kMaxLength) =>
  validateInteger(value, name, min, max);

class FastBuffer extends Uint8Array {}

/** new Buffer(...) as it was: deprecated, still used. */
function Buffer(value, encodingOrOffset, length) {
  if (typeof value !== 'number') return Buffer.from(value, encodingOrOffset, length);
  if (typeof encodingOrOffset === 'string') {
    throw codes.ERR_INVALID_ARG_TYPE('string', 'string', value);
  }
  return Buffer.alloc(value);
}

Object.setPrototypeOf(Buffer, Uint8Array);
Buffer.prototype = FastBuffer.prototype;
Object.defineProperty(Buffer, Symbol.species, {
  configurable: true, enumerable: false, get: () => FastBuffer,
});

function SlowBuffer(size) {
  return Buffer.allocUnsafeSlow(size);
}
Object.setPrototypeOf(SlowBuffer.prototype, Uint8Array.prototype);
Object.setPrototypeOf(SlowBuffer, Uint8Array);

/** A Buffer over the bytes of a Uint8Array that nobody else has. */
const wrap = (bytes) => new FastBuffer(bytes.buffer, bytes.byteOffset, bytes.length);

function requireCodec(encoding) {
  const codec = codecOf(encoding);
  if (codec === undefined) throw codes.ERR_UNKNOWN_ENCODING(encoding);
  return codec;
}

function fromString(string, encoding) {
  const codec = typeof encoding === 'string' ? requireCodec(encoding) : codecs.utf8;
  return string.length === 0 ? new FastBuffer() : wrap(codec.encode(string));
}

function fromArrayBuffer(buffer, offset, length) {
  const start = offset === undefined ? 0 : (+offset || 0);
  const most = buffer.byteLength - start;
  if (most < 0) throw codes.ERR_BUFFER_OUT_OF_BOUNDS('offset');
  if (length === undefined) return new FastBuffer(buffer, start, most);
  const wanted = +length > 0 ? +length : 0;
  if (wanted > most) throw codes.ERR_BUFFER_OUT_OF_BOUNDS('length');
  return new FastBuffer(buffer, start, wanted);
}

function fromArrayLike(list) {
  return list.length <= 0 ? new FastBuffer() : new FastBuffer(list);
}

function fromObject(value) {
  if (value.length !== undefined || isAnyArrayBuffer(value.buffer)) {
    return typeof value.length === 'number' ? fromArrayLike(value) : new FastBuffer();
  }
  if (value.type === 'Buffer' && Array.isArray(value.data)) return fromArrayLike(value.data);
  return undefined;
}

function fromAnyObject(value, encodingOrOffset, length) {
  if (isAnyArrayBuffer(value)) return fromArrayBuffer(value, encodingOrOffset, length);
  const inner = value.valueOf?.();
  if (inner != null && inner !== value && ['string', 'object'].includes(typeof inner)) {
    return Buffer.from(inner, encodingOrOffset, length);
  }
  const buffer = fromObject(value);
  if (buffer !== undefined) return buffer;
  const primitive = value[Symbol.toPrimitive]?.('string');
  return typeof primitive === 'string' ? fromString(primitive, encodingOrOffset) : undefined;
}

function compareBytes(a, b) {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    if (a[i] !== b[i]) return a[i] < b[i] ? -1 : 1;
  }
  return Math.sign(a.length - b.length);
}

function requireBytes(value, name) {
  if (!isUint8Array(value)) {
    throw codes.ERR_INVALID_ARG_TYPE(name, ['Buffer', 'Uint8Array'], value);
  }
}

const validateSize = (size) => validateNumber(size, 'size', 0, kMaxLength);

Object.assign(Buffer, {
  poolSize: 8192,
  from(value, encodingOrOffset, length) {
    if (typeof value === 'string') return fromString(value, encodingOrOffset);
    if (typeof value === 'object' && value !== null) {
      const buffer = fromAnyObject(value, encodingOrOffset, length);
      if (buffer !== undefined) return buffer;
    }
    throw codes.ERR_INVALID_ARG_TYPE('first argument',
      ['string', 'Buffer', 'ArrayBuffer', 'Array', 'Array-like Object'], value);
  },
  copyBytesFrom(view, offset, length) {
    if (!isTypedArray(view)) throw codes.ERR_INVALID_ARG_TYPE('view', ['TypedArray'], view);
    if (offset !== undefined) validateInteger(offset, 'offset', 0);
    if (length !== undefined) validateInteger(length, 'length', 0);
    const start = offset ?? 0;
    const part = view.slice(start, length === undefined ? undefined : start + length);
    return new FastBuffer(part.buffer, part.byteOffset, part.byteLength);
  },
  of: (...items) => new FastBuffer(items),
  alloc(size, fill, encoding) {
    validateSize(size);
    const buffer = new FastBuffer(size);
    return fill !== undefined && fill !== 0 && size > 0 ? buffer.fill(fill, encoding) : buffer;
  },
  allocUnsafe(size) {
    validateSize(size);
    return new FastBuffer(size);
  },
  allocUnsafeSlow(size) {
    validateSize(size);
    return new FastBuffer(size);
  },
  isBuffer: (value) => value instanceof Buffer,
  compare(buf1, buf2) {
    requireBytes(buf1, 'buf1');
    requireBytes(buf2, 'buf2');
    return compareBytes(buf1, buf2);
  },
  isEncoding: (encoding) => typeof encoding === 'string' && encoding !== ''
    && normalizeEncoding(encoding) !== undefined,
  concat(list, length) {
    if (!Array.isArray(list)) throw codes.ERR_INVALID_ARG_TYPE('list', 'Array', list);
    if (list.length === 0) return new FastBuffer();
    if (length !== undefined) validateOffset(length, 'length');
    const total = length ?? list.reduce((sum, part) => sum + (part.length || 0), 0);
    const result = new FastBuffer(total);
    let at = 0;
    for (let i = 0; i < list.length; i++) {
      requireBytes(list[i], `list[${i}]`);
      if (at < total) result.set(list[i].subarray(0, total - at), at);
      at += list[i].length;
    }
    return result;
  },
  byteLength(string, encoding) {
    if (typeof string === 'string') return (codecOf(encoding) ?? codecs.utf8).byteLength(string);
    if (ArrayBuffer.isView(string) || isAnyArrayBuffer(string)) return string.byteLength;
    throw codes.ERR_INVALID_ARG_TYPE('string', ['string', 'Buffer', 'ArrayBuffer'], string);
  },
});

/** Where a slice begins or ends, given as a number of any kind. */
function adjustOffset(value, length) {
  const offset = Math.trunc(value) || 0;
  if (offset < 0) return Math.max(offset + length, 0);
  return Math.min(offset, length);
}

/** Encodes into `buffer` from `offset` on, no more than `length` bytes, only whole characters. */
function writeString(buffer, codec, string, offset, length) {
  if (typeof string !== 'string') {
    throw makeError(TypeError, 'ERR_INVALID_ARG_TYPE', 'argument must be a string',
      { plainStack: true });
  }
  const bytes = codec.encode(string);
  let end = Math.min(bytes.length, length, buffer.length - offset);
  if (end < bytes.length) {
    if (codec === codecs.utf8) while (end > 0 && (bytes[end] & 0xc0) === 0x80) end--;
    if (codec === codecs.utf16le) end &= ~1;
  }
  buffer.set(end < bytes.length ? bytes.subarray(0, end) : bytes, offset);
  return end;
}

function fillWithBytes(buffer, bytes, start, end) {
  for (let at = start; at < end; at += bytes.length) {
    buffer.set(end - at < bytes.length ? bytes.subarray(0, end - at) : bytes, at);
  }
}

function indexOfBytes(buffer, bytes, from, forward, step) {
  const last = buffer.length - bytes.length;
  let at = from < 0 ? from + buffer.length : from;
  if (at < 0) {
    if (!forward) return -1;
    at = 0;
  }
  if (bytes.length === 0) return Math.min(at, buffer.length);
  if (!forward) at = Math.min(at, last);
  for (; forward ? at <= last : at >= 0; at += forward ? step : -step) {
    let i = 0;
    while (i < bytes.length && buffer[at + i] === bytes[i]) i++;
    if (i === bytes.length) return at;
  }
  return -1;
}

function search(buffer, value, offset, encoding, forward) {
  if (typeof offset === 'string') {
    encoding = offset;
    offset = undefined;
  }
  let from = Math.trunc(+offset);
  if (Number.isNaN(from)) from = forward ? 0 : buffer.length;
  if (typeof value === 'number') {
    return indexOfBytes(buffer, new Uint8Array([value]), from, forward, 1);
  }
  const codec = codecOf(encoding);
  if (typeof value === 'string') {
    const bytes = requireCodec(encoding).encode(value);
    return indexOfBytes(buffer, bytes, from, forward, 1);
  }
  if (isUint8Array(value)) {
    const step = codec === codecs.utf16le ? 2 : 1;
    return indexOfBytes(buffer, value, from, forward, step);
  }
  throw codes.ERR_INVALID_ARG_TYPE('value',
    ['number', 'string', 'Buffer', 'Uint8Array'], value);
}

function swap(buffer, size) {
  if (buffer.length % size !== 0) throw codes.ERR_INVALID_BUFFER_SIZE(`${size * 8}-bits`);
  for (let at = 0; at < buffer.length; at += size) buffer.subarray(at, at + size).reverse();
  return buffer;
}

let inspectMaxBytes = 50;

/** The own properties of a Buffer that are no bytes, as inspect shows them inside the brackets. */
function inspectExtras(buffer, ctx) {
  const keys = getOwnNonIndexProperties(buffer, ctx.showHidden);
  if (keys.length === 0) return '';
  const extras = Object.create(null);
  for (const key of keys) extras[key] = buffer[key];
  const text = inspect(extras, { ...ctx, breakLength: Infinity, compact: true });
  return `${buffer.length !== 0 ? ', ' : ''}${text.slice('[Object: null prototype] {'.length + 1, -2)}`;
}

function inspectBuffer(recurseTimes, ctx) {
  const shown = codecs.hex.decode(this.subarray(0, inspectMaxBytes));
  let text = shown.replace(/(.{2})/g, '$1 ').trim();
  const remaining = this.length - inspectMaxBytes;
  if (remaining > 0) text += ` ... ${remaining} more byte${remaining > 1 ? 's' : ''}`;
  if (ctx) text += inspectExtras(this, ctx);
  return `<${this.constructor.name} ${text}>`;
}

const prototypeMethods = {
  copy(target, targetStart, sourceStart, sourceEnd) {
    if (!ArrayBuffer.isView(target)) {
      throw codes.ERR_INVALID_ARG_TYPE('target', ['Buffer', 'Uint8Array'], target);
    }
    const to = toIndex(targetStart, 0, 'targetStart');
    const from = toIndex(sourceStart, 0, 'sourceStart', this.length);
    const end = Math.min(toIndex(sourceEnd, this.length, 'sourceEnd'), this.length);
    if (to >= target.byteLength || from >= end) return 0;
    const count = Math.min(end - from, target.byteLength - to);
    const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
    bytes.set(this.subarray(from, from + count), to);
    return count;
  },
  toString(encoding, start, end) {
    const { length } = this;
    if (start >= length) return '';
    const from = start <= 0 ? 0 : (Math.trunc(start) || 0);
    const to = end === undefined || end > length ? length : (Math.trunc(end) || 0);
    if (to <= from) return '';
    const codec = encoding === undefined ? codecs.utf8 : requireCodecName(encoding);
    return codec.decode(from === 0 && to === length ? this : this.subarray(from, to));
  },
  equals(otherBuffer) {
    requireBytes(otherBuffer, 'otherBuffer');
    return this === otherBuffer
      || (this.length === otherBuffer.length && compareBytes(this, otherBuffer) === 0);
  },
  compare(target, targetStart = 0, targetEnd, sourceStart = 0, sourceEnd) {
    requireBytes(target, 'target');
    validateOffset(targetStart, 'targetStart');
    if (targetEnd !== undefined) validateOffset(targetEnd, 'targetEnd', 0, target.length);
    validateOffset(sourceStart, 'sourceStart');
    if (sourceEnd !== undefined) validateOffset(sourceEnd, 'sourceEnd', 0, this.length);
    return compareBytes(bytesBetween(this, sourceStart, sourceEnd),
      bytesBetween(target, targetStart, targetEnd));
  },
  indexOf(value, byteOffset, encoding) {
    return search(this, value, byteOffset, encoding, true);
  },
  lastIndexOf(value, byteOffset, encoding) {
    return search(this, value, byteOffset, encoding, false);
  },
  includes(value, byteOffset, encoding) {
    return search(this, value, byteOffset, encoding, true) !== -1;
  },
  fill(value, offset, end, encoding) {
    if (typeof value === 'string') {
      if (offset === undefined || typeof offset === 'string') return fill(this, value, offset);
      if (typeof end === 'string') return fill(this, value, end, offset);
      return fill(this, value, encoding, offset, end);
    }
    return fill(this, value, undefined, offset, end);
  },
  write(string, offset, length, encoding) {
    if (offset === undefined) return writeString(this, codecs.utf8, string, 0, this.length);
    if (length === undefined && typeof offset === 'string') {
      return writeString(this, requireCodec(offset), string, 0, this.length);
    }
    validateOffset(offset, 'offset', 0, this.length);
    if (typeof length === 'string') {
      encoding = length;
      length = undefined;
    }
    if (length !== undefined) validateOffset(length, 'length', 0, this.length);
    return writeString(this, requireCodec(encoding), string, offset, length ?? this.length);
  },
  toJSON() {
    return { type: 'Buffer', data: Array.from(this) };
  },
  subarray(start, end) {
    const from = adjustOffset(start, this.length);
    const to = end === undefined ? this.length : adjustOffset(end, this.length);
    return new FastBuffer(this.buffer, this.byteOffset + from, Math.max(to - from, 0));
  },
  slice(start, end) {
    return this.subarray(start, end);
  },
  swap16() { return swap(this, 2); },
  swap32() { return swap(this, 4); },
  swap64() { return swap(this, 8); },
  inspect: inspectBuffer,
};

function requireCodecName(encoding) {
  const codec = encoding === '' || encoding === null ? undefined : codecOf(encoding);
  if (codec === undefined) throw codes.ERR_UNKNOWN_ENCODING(encoding);
  return codec;
}

function bytesBetween(buffer, start, end) {
  const bytes = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
  return bytes.subarray(start, Math.max(end ?? buffer.length, start));
}

function toIndex(value, fallback, name, most) {
  if (value === undefined) return fallback;
  const index = Number.isInteger(+value) ? +value : Math.trunc(+value) || 0;
  if (index < 0 || index > most) {
    const range = most === undefined ? '>= 0' : `>= 0 && <= ${most}`;
    throw codes.ERR_OUT_OF_RANGE(name, range, index);
  }
  return index;
}

function fillBytes(value, encoding) {
  if (typeof value === 'string') {
    const name = normalizeEncoding(encoding);
    if (name === undefined) {
      validateString(encoding, 'encoding');
      throw codes.ERR_UNKNOWN_ENCODING(encoding);
    }
    if (value.length === 0) return new Uint8Array(1);
    const bytes = codecs[name].encode(value);
    if (bytes.length === 0) throw codes.ERR_INVALID_ARG_VALUE('value', value);
    return bytes;
  }
  if (ArrayBuffer.isView(value)) {
    if (value.byteLength === 0) throw codes.ERR_INVALID_ARG_VALUE('value', value);
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  return new Uint8Array([typeof value === 'boolean' ? Number(value) : value]);
}

function fill(buffer, value, encoding, offset, end) {
  if (offset === undefined) end = undefined;
  else {
    validateOffset(offset, 'offset');
    if (end !== undefined) validateOffset(end, 'end', 0, buffer.length);
  }
  const from = offset ?? 0;
  const to = end ?? buffer.length;
  const bytes = fillBytes(value, encoding);
  if (bytes.length === 1) Uint8Array.prototype.fill.call(buffer, bytes[0], from, to);
  else fillWithBytes(buffer, bytes, from, to);
  return buffer;
}

/** Adds buf.utf8Slice(start, end), buf.utf8Write(string, offset, length) and the like. */
function addCodecMethods(prefix, codec) {
  prototypeMethods[`${prefix}Slice`] = function slice(start = 0, end = this.length) {
    return codec.decode(this.subarray(start, end));
  };
  prototypeMethods[`${prefix}Write`] = function write(string, offset = 0, length = this.length) {
    return writeString(this, codec, string, offset, length);
  };
}
for (const name of Object.keys(codecs)) {
  addCodecMethods(name === 'utf16le' ? 'ucs2' : name, codecs[name]);
}

/** Throws what Node throws for a number outside the buffer. */
function checkBounds(buffer, offset, size) {
  validateNumber(offset, 'offset');
  if (buffer[offset] !== undefined && buffer[offset + size - 1] !== undefined) return;
  if (Math.floor(offset) !== offset) throw codes.ERR_OUT_OF_RANGE('offset', 'an integer', offset);
  const last = buffer.length - size;
  if (last < 0) throw codes.ERR_BUFFER_OUT_OF_BOUNDS();
  throw codes.ERR_OUT_OF_RANGE('offset', `>= 0 and <= ${last}`, offset);
}

function rangeOf(min, max, size) {
  const n = typeof min === 'bigint' ? 'n' : '';
  if (size <= 4) return `>= ${min}${n} and <= ${max}${n}`;
  if (min === 0 || min === 0n) return `>= 0${n} and < 2${n} ** ${size * 8}${n}`;
  const bits = size * 8 - 1;
  return `>= -(2${n} ** ${bits}${n}) and < 2${n} ** ${bits}${n}`;
}

function checkValue(value, min, max, size) {
  if (value > max || value < min) {
    throw codes.ERR_OUT_OF_RANGE('value', rangeOf(min, max, size), value);
  }
}

function checkByteLength(size) {
  if (size === undefined) throw codes.ERR_INVALID_ARG_TYPE('byteLength', 'number', size);
  validateNumber(size, 'byteLength');
  if (Math.floor(size) !== size) throw codes.ERR_OUT_OF_RANGE('byteLength', 'an integer', size);
  if (size < 1 || size > 6) throw codes.ERR_OUT_OF_RANGE('byteLength', '>= 1 and <= 6', size);
}

function readInteger(buffer, offset, size, little, signed) {
  checkBounds(buffer, offset, size);
  let value = 0;
  for (let i = 0; i < size; i++) {
    value = value * 256 + buffer[little ? offset + size - 1 - i : offset + i];
  }
  return signed && value >= 2 ** (size * 8 - 1) ? value - 2 ** (size * 8) : value;
}

function writeInteger(buffer, value, offset, size, little, signed) {
  const number = +value;
  const bits = size * 8;
  if (signed) checkValue(number, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1, size);
  else checkValue(number, 0, 2 ** bits - 1, size);
  checkBounds(buffer, offset, size);
  let rest = Math.trunc(number) || 0;
  if (rest < 0) rest += 2 ** bits;
  for (let i = 0; i < size; i++) {
    buffer[little ? offset + i : offset + size - 1 - i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return offset + size;
}

const viewOf = (buffer) => new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);

/** Makes a named method; both spellings of UInt exist. */
function addNumber(name, method) {
  Object.defineProperty(method, 'name', { value: name });
  prototypeMethods[name] = method;
  if (name.includes('UInt')) prototypeMethods[name.replace('UInt', 'Uint')] = method;
}

for (const little of [true, false]) {
  const order = little ? 'LE' : 'BE';
  for (const signed of [false, true]) {
    const kind = signed ? 'Int' : 'UInt';
    addNumber(`read${kind}${order}`, function read(offset, byteLength) {
      if (offset === undefined) throw codes.ERR_INVALID_ARG_TYPE('offset', 'number', offset);
      checkByteLength(byteLength);
      return readInteger(this, offset, byteLength, little, signed);
    });
    addNumber(`write${kind}${order}`, function write(value, offset, byteLength) {
      checkByteLength(byteLength);
      return writeInteger(this, value, offset, byteLength, little, signed);
    });
    for (const size of little ? [1, 2, 4] : [2, 4]) {
      const suffix = size === 1 ? '8' : `${size * 8}${order}`;
      addNumber(`read${kind}${suffix}`, function read(offset = 0) {
        return readInteger(this, offset, size, little, signed);
      });
      addNumber(`write${kind}${suffix}`, function write(value, offset = 0) {
        return writeInteger(this, value, offset, size, little, signed);
      });
    }
    addBigInteger(`Big${kind}64`, order, little, signed);
  }
  addFloat('Float', 4, order, little);
  addFloat('Double', 8, order, little);
}

function addBigInteger(kind, order, little, signed) {
  const view = signed ? 'BigInt64' : 'BigUint64';
  const min = signed ? -(2n ** 63n) : 0n;
  const max = signed ? 2n ** 63n - 1n : 2n ** 64n - 1n;
  addNumber(`read${kind}${order}`, function read(offset = 0) {
    checkBounds(this, offset, 8);
    return viewOf(this)[`get${view}`](offset, little);
  });
  addNumber(`write${kind}${order}`, function write(value, offset = 0) {
    checkValue(value, min, max, 8);
    checkBounds(this, offset, 8);
    viewOf(this)[`set${view}`](offset, value, little);
    return offset + 8;
  });
}

function addFloat(kind, size, order, little) {
  const view = `Float${size * 8}`;
  addNumber(`read${kind}${order}`, function read(offset = 0) {
    checkBounds(this, offset, size);
    return viewOf(this)[`get${view}`](offset, little);
  });
  addNumber(`write${kind}${order}`, function write(value, offset = 0) {
    checkBounds(this, offset, size);
    viewOf(this)[`set${view}`](offset, +value, little);
    return offset + size;
  });
}

Object.assign(Buffer.prototype, prototypeMethods);
Buffer.prototype[customInspect] = inspectBuffer;
Buffer.prototype.toLocaleString = Buffer.prototype.toString;
Object.defineProperty(Buffer.prototype, 'constructor', {
  value: Buffer, writable: true, enumerable: false, configurable: true,
});
for (const [name, source] of [['parent', 'buffer'], ['offset', 'byteOffset']]) {
  Object.defineProperty(Buffer.prototype, name, {
    enumerable: true,
    get() { return this instanceof Buffer ? this[source] : undefined; },
  });
}

function transcode(source, from, to) {
  if (!isUint8Array(source)) {
    throw codes.ERR_INVALID_ARG_TYPE('source', ['Buffer', 'Uint8Array'], source);
  }
  const [decoder, encoder] = [requireCodec(from), requireCodec(to)];
  const text = decoder.decode(source);
  const limit = { ascii: 0x7f, latin1: 0xff }[encoder.name];
  return Buffer.from(limit === undefined ? text
    : Array.from(text, (char) => (char.codePointAt(0) > limit ? '?' : char)).join(''), to);
}

function bytesOf(input) {
  if (isAnyArrayBuffer(input)) return new Uint8Array(input);
  if (ArrayBuffer.isView(input)) {
    return new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
  }
  throw codes.ERR_INVALID_ARG_TYPE('input', ['ArrayBuffer', 'Buffer', 'TypedArray'], input);
}

function isUtf8(input) {
  try {
    host.utf8Decode(bytesOf(input), true);
    return true;
  } catch (error) {
    if (error.code !== undefined) throw error;
    return false;
  }
}

const constants = Object.defineProperties({}, {
  MAX_LENGTH: { value: kMaxLength, enumerable: true },
  MAX_STRING_LENGTH: { value: kStringMaxLength, enumerable: true },
});

module.exports = {
  Buffer,
  SlowBuffer,
  transcode,
  isUtf8,
  isAscii: (input) => bytesOf(input).every((byte) => byte < 0x80),
  kMaxLength,
  kStringMaxLength,
  btoa: (input) => globalThis.btoa(input),
  atob: (input) => globalThis.atob(input),
  constants,
};

const lazy = (get, set) => ({ configurable: true, enumerable: true, get, set });
Object.defineProperties(module.exports, {
  INSPECT_MAX_BYTES: lazy(() => inspectMaxBytes, (value) => {
    validateNumber(value, 'INSPECT_MAX_BYTES', 0);
    inspectMaxBytes = value;
  }),
  Blob: lazy(() => require('internal/blob').Blob),
  File: lazy(() => require('internal/blob').File),
});
