// The module `crypto` and the Web Crypto object: hashes, HMACs, random values, constant-time
// comparison and crypto.subtle.digest, over the hash and random primitives of the host.
//
// Everything with keys, ciphers or signatures is left out and says so when it is called.
'use strict';

const { Buffer } = require('buffer');
const {
  codes, makeError, validateFunction, validateString,
} = require('internal/errors');
const { isAnyArrayBuffer, isTypedArray } = require('internal/types');
const { tag } = require('internal/event_target');

const blockSizes = { __proto__: null, md5: 64, sha1: 64, sha224: 64, sha256: 64, sha384: 128, sha512: 128 };
const hashNames = {
  __proto__: null,
  md5: 'md5', 'rsa-md5': 'md5', sha1: 'sha1', 'sha-1': 'sha1', 'rsa-sha1': 'sha1',
  sha224: 'sha224', 'rsa-sha224': 'sha224', sha256: 'sha256', 'sha-256': 'sha256', 'rsa-sha256': 'sha256', sha384: 'sha384',
  'sha-384': 'sha384', 'rsa-sha384': 'sha384', sha512: 'sha512', 'sha-512': 'sha512',
  'rsa-sha512': 'sha512',
};
const hashNameOf = (name) => hashNames[name.toLowerCase()];

/** The bytes of a string, Buffer, typed array or DataView; copied, for the hash reads them later. */
function toBytes(data, name, encoding) {
  if (typeof data === 'string') return Buffer.from(data, encoding === 'buffer' ? 'utf8' : encoding);
  if (ArrayBuffer.isView(data)) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  }
  throw codes.ERR_INVALID_ARG_TYPE(name,
    ['string', 'Buffer', 'TypedArray', 'DataView'], data);
}

const output = (bytes, encoding) => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return encoding && encoding !== 'buffer' ? buffer.toString(encoding) : buffer;
};

class Hash {
  #name;
  #chunks;
  #done = false;

  constructor(name, chunks) {
    this.#name = name;
    this.#chunks = chunks;
  }

  update(data, encoding) {
    if (this.#done) throw codes.ERR_CRYPTO_HASH_FINALIZED();
    this.#chunks.push(toBytes(data, 'data', encoding));
    return this;
  }

  digest(encoding) {
    if (this.#done) throw codes.ERR_CRYPTO_HASH_FINALIZED();
    this.#done = true;
    return output(host.hash(this.#name, this.#chunks), encoding);
  }

  copy() {
    if (this.#done) throw codes.ERR_CRYPTO_HASH_FINALIZED();
    return new Hash(this.#name, this.#chunks.slice());
  }
}

function createHash(algorithm) {
  validateString(algorithm, 'algorithm');
  const name = hashNameOf(algorithm);
  if (name !== undefined) return new Hash(name, []);
  if (/^(sha|blake|ripemd|rmd|whirlpool|sm3|md)/i.test(algorithm)) {
    throw host.unavailable(`crypto.createHash('${algorithm}')`);
  }
  throw new Error('Digest method not supported');
}

/** crypto.hash(name, data, encoding): the digest in one call. */
function hash(algorithm, data, encoding = 'hex') {
  return createHash(algorithm).update(data).digest(encoding);
}

class Hmac {
  #name;
  #outer;
  #chunks;
  #done = false;

  constructor(name, key) {
    const size = blockSizes[name];
    const padded = new Uint8Array(size);
    padded.set(key.length > size ? host.hash(name, [key]) : key);
    this.#name = name;
    this.#outer = padded.map((byte) => byte ^ 0x5c);
    this.#chunks = [padded.map((byte) => byte ^ 0x36)];
  }

  update(data, encoding) {
    if (this.#done) throw codes.ERR_CRYPTO_HASH_FINALIZED();
    this.#chunks.push(toBytes(data, 'data', encoding));
    return this;
  }

  digest(encoding) {
    if (this.#done) return output(new Uint8Array(0), encoding);
    this.#done = true;
    const inner = host.hash(this.#name, this.#chunks);
    return output(host.hash(this.#name, [this.#outer, inner]), encoding);
  }
}

function createHmac(algorithm, key) {
  validateString(algorithm, 'hmac');
  const isBytes = typeof key === 'string' || ArrayBuffer.isView(key) || isAnyArrayBuffer(key);
  if (!isBytes) {
    throw codes.ERR_INVALID_ARG_TYPE('key',
      ['ArrayBuffer', 'Buffer', 'TypedArray', 'DataView', 'string', 'KeyObject', 'CryptoKey'], key);
  }
  const name = hashNameOf(algorithm);
  if (name === undefined) {
    throw makeError(TypeError, 'ERR_CRYPTO_INVALID_DIGEST', `Invalid digest: ${algorithm}`,
      { plainStack: true });
  }
  return new Hmac(name, isAnyArrayBuffer(key) ? new Uint8Array(key) : toBytes(key, 'key'));
}

// Random values.

const maxBytes = 2 ** 31 - 1;

function checkSize(size, name) {
  if (typeof size !== 'number') throw codes.ERR_INVALID_ARG_TYPE(name, 'number', size);
  if (Number.isNaN(size) || size < 0 || size > maxBytes) {
    throw codes.ERR_OUT_OF_RANGE(name, `>= 0 && <= ${maxBytes}`, size);
  }
}

/** Calls back in a later turn, as what ran elsewhere would. */
const later = (callback, ...args) => {
  globalThis.setImmediate(() => callback(...args));
};

function randomBytes(size, callback) {
  checkSize(size, 'size');
  if (callback !== undefined) validateFunction(callback, 'callback');
  const bytes = Buffer.alloc(Math.trunc(size));
  host.random(bytes.buffer, bytes.byteOffset, bytes.length);
  if (callback === undefined) return bytes;
  later(callback, null, bytes);
  return undefined;
}

function randomFillSync(target, offset = 0, size = undefined) {
  if (!isAnyArrayBuffer(target) && !ArrayBuffer.isView(target)) {
    throw codes.ERR_INVALID_ARG_TYPE('buf', ['ArrayBuffer', 'ArrayBufferView'], target);
  }
  const unit = target.BYTES_PER_ELEMENT ?? 1;
  const start = offset * unit;
  const length = size === undefined ? target.byteLength - start : size * unit;
  checkSize(start, 'offset');
  if (!(length >= 0 && start + length <= target.byteLength)) {
    throw codes.ERR_OUT_OF_RANGE('size + offset', `<= ${target.byteLength}`, start + length);
  }
  host.random(target.buffer ?? target, (target.byteOffset ?? 0) + start, length);
  return target;
}

function randomFill(target, ...rest) {
  const callback = rest.pop();
  validateFunction(callback, 'callback');
  randomFillSync(target, ...rest);
  later(callback, null, target);
}

/** A whole number below `range`, each equally likely. */
function randomBelow(range) {
  const limit = 2 ** 48 - (2 ** 48 % range);
  for (;;) {
    const value = randomBytes(6).readUIntBE(0, 6);
    if (value < limit) return value % range;
  }
}

function randomInt(min, max, callback) {
  if (max === undefined || typeof max === 'function') return randomInt(0, min, max);
  if (!Number.isSafeInteger(min)) throw codes.ERR_INVALID_ARG_TYPE('min', 'a safe integer', min);
  if (!Number.isSafeInteger(max)) throw codes.ERR_INVALID_ARG_TYPE('max', 'a safe integer', max);
  if (max <= min) {
    throw codes.ERR_OUT_OF_RANGE('max', `greater than the value of "min" (${min})`, max);
  }
  if (max - min > 2 ** 48 - 1) throw codes.ERR_OUT_OF_RANGE('max - min', `<= ${2 ** 48 - 1}`, max - min);
  if (callback !== undefined) validateFunction(callback, 'callback');
  const value = min + randomBelow(max - min);
  if (callback === undefined) return value;
  later(callback, undefined, value);
  return undefined;
}

function randomUUID() {
  const bytes = randomBytes(16);
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

function timingSafeEqual(buf1, buf2) {
  for (const [name, value] of [['buf1', buf1], ['buf2', buf2]]) {
    if (!ArrayBuffer.isView(value) && !isAnyArrayBuffer(value)) {
      throw makeError(TypeError, 'ERR_INVALID_ARG_TYPE', `The "${name}" argument must be an `
        + 'instance of ArrayBuffer, Buffer, TypedArray, or DataView.', { plainStack: true });
    }
  }
  const bytes = (value) => (isAnyArrayBuffer(value) ? new Uint8Array(value)
    : new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  const [a, b] = [bytes(buf1), bytes(buf2)];
  if (a.length !== b.length) {
    throw makeError(RangeError, 'ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH',
      'Input buffers must have the same byte length', { plainStack: true });
  }
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i] ^ b[i];
  return difference === 0;
}

// Web Crypto.

const missing = (path) => function unavailable() { throw host.unavailable(path); };

class SubtleCrypto {
  async digest(algorithm, data) {
    if (arguments.length < 2) {
      throw makeError(TypeError, 'ERR_MISSING_ARGS',
        `Failed to execute 'digest' on 'SubtleCrypto': 2 arguments required, but only ${
          arguments.length} present.`);
    }
    const label = `${algorithm?.name ?? algorithm}`.toUpperCase();
    if (!/^SHA-(1|256|384|512)$/.test(label)) {
      throw new DOMException('Unrecognized algorithm name', 'NotSupportedError');
    }
    const bytes = isAnyArrayBuffer(data) ? new Uint8Array(data) : toBytes(data, 'data');
    return host.hash(hashNameOf(label), [bytes]).slice().buffer;
  }
}
for (const name of ['encrypt', 'decrypt', 'sign', 'verify', 'generateKey', 'deriveKey',
  'deriveBits', 'importKey', 'exportKey', 'wrapKey', 'unwrapKey']) {
  SubtleCrypto.prototype[name] = async function unavailable() {
    throw host.unavailable(`crypto.subtle.${name}`);
  };
}
tag(SubtleCrypto);

const integerArrays = /^(Big)?(Int|Uint)(8|16|32|64)(Clamped)?Array$/;

class Crypto {
  get subtle() { return subtle; }

  getRandomValues(array) {
    const isInteger = isTypedArray(array) && integerArrays.test(array[Symbol.toStringTag]);
    if (!isInteger) {
      throw new DOMException('The data argument must be an integer-type TypedArray',
        'TypeMismatchError');
    }
    if (array.byteLength > 65536) {
      throw new DOMException(
        `The requested length exceeds 65,536 bytes`, 'QuotaExceededError');
    }
    host.random(array.buffer, array.byteOffset, array.byteLength);
    return array;
  }

  randomUUID() { return randomUUID(); }
}
tag(Crypto);
const subtle = new SubtleCrypto();
const webcrypto = new Crypto();

const leftOut = [
  'checkPrime', 'checkPrimeSync', 'createCipheriv', 'createDecipheriv', 'createDiffieHellman',
  'createECDH', 'createPrivateKey', 'createPublicKey', 'createSecretKey', 'createSign',
  'createVerify', 'diffieHellman', 'generateKey', 'generateKeyPair', 'generateKeyPairSync',
  'generateKeySync', 'generatePrime', 'generatePrimeSync', 'hkdf', 'hkdfSync', 'pbkdf2',
  'pbkdf2Sync', 'privateDecrypt', 'privateEncrypt', 'publicDecrypt', 'publicEncrypt', 'scrypt',
  'scryptSync', 'sign', 'verify',
];
for (const name of leftOut) exports[name] = missing(`crypto.${name}`);

Object.assign(exports, {
  createHash,
  createHmac,
  hash,
  Hash,
  Hmac,
  getHashes: () => ['RSA-MD5', 'RSA-SHA1', 'RSA-SHA256', 'RSA-SHA384', 'RSA-SHA512', 'md5', 'sha1',
    'sha224', 'sha256', 'sha384', 'sha512'],
  getCiphers: () => [],
  getCurves: () => [],
  getFips: () => 0,
  randomBytes,
  pseudoRandomBytes: randomBytes,
  randomFill,
  randomFillSync,
  randomInt,
  randomUUID,
  timingSafeEqual,
  webcrypto,
  subtle,
  getRandomValues: (array) => webcrypto.getRandomValues(array),
});
Object.defineProperty(exports, 'internals', { value: { Crypto, SubtleCrypto } });
