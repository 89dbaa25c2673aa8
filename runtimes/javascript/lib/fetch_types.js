// Headers and FormData, which fetch takes and gives.
'use strict';

const { inspect } = require('internal/inspect');
const { tag, makeEnumerable } = require('internal/event_target');
const { Blob, File } = require('internal/blob');
const { internals: { pairIterator } } = require('url');

const customInspect = Symbol.for('nodejs.util.inspect.custom');

function requireArguments(given, count, name) {
  if (given.length >= count) return;
  const plural = count > 1 ? 's' : '';
  throw new TypeError(
    `${name}: ${count} argument${plural} required, but${given.length ? ' only' : ''} `
    + `${given.length} found.`);
}

// Headers.

function checkName(name, where) {
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) {
    throw new TypeError(`${where}: "${name}" is an invalid header name.`);
  }
}

const trimmed = (value) => value.replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, '');

/** A header's name and value as they are kept; throws what undici throws for impossible ones. */
function checkPair(rawName, rawValue, where) {
  const [name, value] = [`${rawName}`, trimmed(`${rawValue}`)];
  checkName(name, where);
  if (/[\0\r\n]/.test(value)) throw new TypeError(`${where}: "${value}" is an invalid header value.`);
  for (let i = 0; i < value.length; i++) {
    if (value.charCodeAt(i) > 255) {
      throw new TypeError('Cannot convert argument to a ByteString because the character at '
        + `index ${i} has a value of ${value.charCodeAt(i)} which is greater than 255.`);
    }
  }
  return [name, value];
}

class Headers {
  /** From lower-case name to [name, value], cookies apart. */
  #map = new Map();
  #cookies = [];

  constructor(init = undefined) {
    if (init === undefined) return;
    if (init === null || typeof init !== 'object') {
      throw new TypeError('Headers constructor: Argument 1 could not be converted to one of: '
        + 'sequence<sequence<ByteString>>, record<ByteString, ByteString>.');
    }
    if (typeof init[Symbol.iterator] === 'function') this.#addPairs(init);
    else {
      for (const name of Reflect.ownKeys(init)) {
        if (Object.getOwnPropertyDescriptor(init, name)?.enumerable) this.append(name, init[name]);
      }
    }
  }

  #addPairs(pairs) {
    for (const pair of pairs) {
      const list = Array.from(pair);
      if (list.length !== 2) {
        throw new TypeError('Headers constructor: expected name/value pair to be length 2, '
          + `found ${list.length}.`);
      }
      this.append(...list);
    }
  }

  append(name, value) {
    requireArguments(arguments, 2, 'Headers.append');
    const [own, text] = checkPair(name, value, 'Headers.append');
    const key = own.toLowerCase();
    if (key === 'set-cookie') this.#cookies.push(text);
    const known = this.#map.get(key);
    const separator = key === 'cookie' ? '; ' : ', ';
    this.#map.set(key, [known?.[0] ?? own, known ? known[1] + separator + text : text]);
  }

  delete(name) {
    requireArguments(arguments, 1, 'Headers.delete');
    checkName(`${name}`, 'Headers.delete');
    const key = `${name}`.toLowerCase();
    if (key === 'set-cookie') this.#cookies = [];
    this.#map.delete(key);
  }

  get(name) {
    requireArguments(arguments, 1, 'Headers.get');
    checkName(`${name}`, 'Headers.get');
    return this.#map.get(`${name}`.toLowerCase())?.[1] ?? null;
  }

  has(name) {
    requireArguments(arguments, 1, 'Headers.has');
    checkName(`${name}`, 'Headers.has');
    return this.#map.has(`${name}`.toLowerCase());
  }

  set(name, value) {
    requireArguments(arguments, 2, 'Headers.set');
    const [own, text] = checkPair(name, value, 'Headers.set');
    const key = own.toLowerCase();
    if (key === 'set-cookie') this.#cookies = [text];
    this.#map.set(key, [own, text]);
  }

  getSetCookie() { return this.#cookies.slice(); }

  /** Pairs sorted by lower-case name, each cookie one of its own. */
  #sorted() {
    const pairs = [];
    for (const key of [...this.#map.keys()].sort()) {
      if (key === 'set-cookie') pairs.push(...this.#cookies.map((cookie) => [key, cookie]));
      else pairs.push([key, this.#map.get(key)[1]]);
    }
    return pairs;
  }

  forEach(callback, thisArg = undefined) {
    requireArguments(arguments, 1, 'Headers.forEach');
    if (typeof callback !== 'function') {
      throw new TypeError(
        "Failed to execute 'forEach' on 'Headers': parameter 1 is not of type 'Function'.");
    }
    for (const [name, value] of this) callback.call(thisArg, value, name, this);
  }

  entries() { return pairIterator('Headers', () => this.#sorted(), (pair) => pair); }
  keys() { return pairIterator('Headers', () => this.#sorted(), ([name]) => name); }
  values() { return pairIterator('Headers', () => this.#sorted(), ([, value]) => value); }

  [customInspect](depth, options) {
    const shown = Object.fromEntries(this.#map.values());
    return `Headers ${inspect(shown, { ...options, depth: options.depth ?? depth })}`;
  }
}
Headers.prototype[Symbol.iterator] = Headers.prototype.entries;
Object.defineProperty(Headers.prototype, Symbol.iterator, { enumerable: false });
tag(Headers);
makeEnumerable(Headers, 'append', 'delete', 'get', 'has', 'set', 'getSetCookie', 'entries',
  'forEach', 'keys', 'values');

// FormData.

function makeEntry(method, given, name, value, filename) {
  if (given.length > 2 && !(value instanceof Blob)) {
    throw new TypeError(
      `Failed to execute '${method}' on 'FormData': parameter 2 is not of type 'Blob'`);
  }
  const key = `${name}`.toWellFormed();
  if (!(value instanceof Blob)) return [key, `${value}`.toWellFormed()];
  if (value instanceof File && filename === undefined) return [key, value];
  const { type, lastModified } = value;
  return [key, new File([value], filename ?? 'blob', { type, lastModified })];
}

class FormData {
  #entries = [];

  constructor(form = undefined) {
    if (form === undefined) return;
    throw new TypeError(
      "FormData constructor: Argument 1 could not be converted to: undefined.");
  }

  append(name, value, filename = undefined) {
    requireArguments(arguments, 2, 'FormData.append');
    this.#entries.push(makeEntry('append', arguments, name, value, filename));
  }

  delete(name) {
    requireArguments(arguments, 1, 'FormData.delete');
    this.#entries = this.#entries.filter(([key]) => key !== `${name}`);
  }

  get(name) {
    requireArguments(arguments, 1, 'FormData.get');
    return this.#entries.find(([key]) => key === `${name}`)?.[1] ?? null;
  }

  getAll(name) {
    requireArguments(arguments, 1, 'FormData.getAll');
    return this.#entries.filter(([key]) => key === `${name}`).map(([, value]) => value);
  }

  has(name) {
    requireArguments(arguments, 1, 'FormData.has');
    return this.#entries.some(([key]) => key === `${name}`);
  }

  set(name, value, filename = undefined) {
    requireArguments(arguments, 2, 'FormData.set');
    const entry = makeEntry('set', arguments, name, value, filename);
    const at = this.#entries.findIndex(([key]) => key === entry[0]);
    if (at < 0) this.#entries.push(entry);
    else {
      const rest = this.#entries.slice(at + 1).filter(([key]) => key !== entry[0]);
      this.#entries.splice(at, Infinity, entry, ...rest);
    }
  }

  forEach(callback, thisArg = undefined) {
    requireArguments(arguments, 1, 'FormData.forEach');
    for (const [name, value] of this) callback.call(thisArg, value, name, this);
  }

  entries() { return pairIterator('FormData', () => this.#entries, (pair) => [...pair]); }
  keys() { return pairIterator('FormData', () => this.#entries, ([name]) => name); }
  values() { return pairIterator('FormData', () => this.#entries, ([, value]) => value); }

  [customInspect](depth, options) {
    const shown = Object.create(null);
    for (const [name, value] of this.#entries) {
      if (!(name in shown)) shown[name] = value;
      else if (Array.isArray(shown[name])) shown[name].push(value);
      else shown[name] = [shown[name], value];
    }
    const text = inspect(shown, { ...options, depth: options.depth ?? depth });
    return `FormData ${text.slice('[Object: null prototype] '.length)}`;
  }
}
FormData.prototype[Symbol.iterator] = FormData.prototype.entries;
Object.defineProperty(FormData.prototype, Symbol.iterator, { enumerable: false });
tag(FormData);
makeEnumerable(FormData, 'append', 'delete', 'get', 'getAll', 'has', 'set', 'entries', 'forEach',
  'keys', 'values');

module.exports = { Headers, FormData };
