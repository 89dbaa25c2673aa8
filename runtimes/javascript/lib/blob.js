// Blob and File: their bytes are held in memory.
//
// Left out: stream(), for there are no streams of the web platform here.
'use strict';

const { codes } = require('internal/errors');
const { isAnyArrayBuffer } = require('internal/types');
const { inspectAs, tag, makeEnumerable } = require('internal/event_target');

const customInspect = Symbol.for('nodejs.util.inspect.custom');

function bytesOfPart(part, endings) {
  if (part instanceof Blob) return bytesOfBlob(part);
  if (isAnyArrayBuffer(part)) return new Uint8Array(part.slice(0));
  if (ArrayBuffer.isView(part)) {
    return new Uint8Array(part.buffer, part.byteOffset, part.byteLength).slice();
  }
  const text = `${part}`;
  return host.utf8Encode(endings === 'native' ? text.replace(/\r\n|\r/g, '\n') : text);
}

function concat(parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** A MIME type in lower case, empty where it holds what a type may not. */
function normalizeType(type) {
  const text = `${type}`;
  return /[^\x20-\x7e]/.test(text) ? '' : text.toLowerCase();
}

let bytesOfBlob;
let wrap;

class Blob {
  #bytes;
  #type;

  static {
    bytesOfBlob = (blob) => blob.#bytes;
    wrap = (bytes, type) => {
      const blob = new Blob();
      blob.#bytes = bytes;
      blob.#type = normalizeType(type);
      return blob;
    };
  }

  constructor(sources = [], options = {}) {
    if (sources === null || typeof sources !== 'object'
      || typeof sources[Symbol.iterator] !== 'function') {
      throw codes.ERR_INVALID_ARG_TYPE('sources', 'a sequence', sources);
    }
    if (options != null && typeof options !== 'object') {
      throw codes.ERR_INVALID_ARG_TYPE('options', 'a dictionary', options);
    }
    const { type = '', endings = 'transparent' } = options ?? {};
    this.#bytes = concat(Array.from(sources, (part) => bytesOfPart(part, endings)));
    this.#type = normalizeType(type);
  }

  get size() { return this.#bytes.length; }
  get type() { return this.#type; }

  slice(start = 0, end = this.size, contentType = '') {
    return wrap(this.#bytes.slice(start, end), contentType);
  }

  async text() { return host.utf8Decode(this.#bytes, false).replace(/^\ufeff/, ''); }
  async arrayBuffer() { return this.#bytes.slice().buffer; }
  async bytes() { return this.#bytes.slice(); }
  stream() { throw host.unavailable('Blob.stream'); }

  [customInspect](depth, options) {
    const { size, type } = this;
    return inspectAs('Blob', { size, type }, depth, options);
  }
}
tag(Blob);
makeEnumerable(Blob, 'size', 'type', 'slice', 'stream', 'text', 'arrayBuffer');

class File extends Blob {
  #name;
  #lastModified;

  constructor(fileBits, fileName, options = {}) {
    if (arguments.length < 2) throw codes.ERR_MISSING_ARGS('fileBits', 'fileName');
    super(fileBits, options);
    this.#name = `${fileName}`.toWellFormed();
    const { lastModified } = options ?? {};
    this.#lastModified = lastModified === undefined ? Date.now() : Math.trunc(+lastModified) || 0;
  }

  get name() { return this.#name; }
  get lastModified() { return this.#lastModified; }

  [customInspect](depth, options) {
    const { size, type, name, lastModified } = this;
    return inspectAs('File', { size, type, name, lastModified }, depth, options);
  }
}
tag(File);
makeEnumerable(File, 'name', 'lastModified');

module.exports = { Blob, File, bytesOfBlob };
