// URL, URLSearchParams and the module `url`, after the WHATWG URL standard.
//
// Host names outside ASCII are lower-cased, NFKC-normalised and written in punycode; the tables
// of UTS46 (which names are forbidden) are left out. So are URL.createObjectURL and the options
// of Windows paths.
'use strict';

const { codes, makeError, validateObject } = require('internal/errors');
const { inspect } = require('internal/inspect');
const { tag, makeEnumerable } = require('internal/event_target');

const customInspect = Symbol.for('nodejs.util.inspect.custom');
const lazyPunycode = () => require('punycode');

const defaultPorts = { __proto__: null, http: 80, https: 443, ws: 80, wss: 443, ftp: 21 };
const isSpecial = (scheme) => scheme === 'file' || scheme in defaultPorts;

// Percent encoding: what each part of a URL may not hold as it is.
const toEncode = {
  control: /[^\x20-\x7e]/gu,
  fragment: /[^\x20-\x7e]|[ "<>`]/gu,
  query: /[^\x20-\x7e]|[ "#<>]/gu,
  specialQuery: /[^\x20-\x7e]|[ "#<>']/gu,
  path: /[^\x20-\x7e]|[ "#<>?`{}]/gu,
  userinfo: /[^\x20-\x7e]|[ "#<>?`{}/:;=@[\]^|\\]/gu,
};

function encodeChar(char) {
  const code = char.charCodeAt(0);
  if (code >= 0x80) return encodeURIComponent(char);
  return `%${code.toString(16).toUpperCase().padStart(2, '0')}`;
}
const percentEncode = (text, set) => text.replace(toEncode[set], encodeChar);

function percentDecode(text) {
  if (!text.includes('%')) return text;
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (run) =>
    host.utf8Decode(Uint8Array.fromHex(run.replaceAll('%', '')), false));
}

// Hosts.

function parseIPv4Number(part) {
  if (part === '') return NaN;
  if (/^0x[0-9a-f]*$/i.test(part)) return part.length === 2 ? 0 : parseInt(part, 16);
  if (/^0[0-7]*$/.test(part)) return parseInt(part, 8);
  return /^[1-9][0-9]*$/.test(part) ? parseInt(part, 10) : NaN;
}

function endsInNumber(host) {
  const parts = host.split('.');
  if (parts.at(-1) === '' && parts.length > 1) parts.pop();
  return /^[0-9]+$/.test(parts.at(-1)) || !Number.isNaN(parseIPv4Number(parts.at(-1)));
}

function parseIPv4(host) {
  const parts = host.split('.');
  if (parts.at(-1) === '' && parts.length > 1) parts.pop();
  if (parts.length > 4) return null;
  const numbers = parts.map(parseIPv4Number);
  const last = numbers.pop();
  if (numbers.some((n) => !(n <= 255)) || !(last < 256 ** (4 - numbers.length))) return null;
  const value = numbers.reduce((sum, n, i) => sum + n * 256 ** (3 - i), last);
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

const isIPv4Strict = (text) => /^\d{1,3}(\.\d{1,3}){3}$/.test(text)
  && text.split('.').every((n) => n <= 255 && String(+n) === n);

/** The sixteen-bit pieces of one side of an IPv6 address, or null. */
function parsePieces(text) {
  if (text === '') return [];
  const pieces = text.split(':');
  if (pieces.at(-1).includes('.')) {
    const dotted = pieces.pop();
    if (!isIPv4Strict(dotted)) return null;
    const [a, b, c, d] = dotted.split('.').map(Number);
    pieces.push((a * 256 + b).toString(16), (c * 256 + d).toString(16));
  }
  if (!pieces.every((piece) => /^[0-9a-f]{1,4}$/i.test(piece))) return null;
  return pieces.map((piece) => parseInt(piece, 16));
}

/** Where the longest run of two or more zeroes is: [start, length]. */
function longestZeroRun(pieces) {
  let best = [-1, 1];
  for (let i = 0; i < pieces.length; i++) {
    let length = 0;
    while (pieces[i + length] === 0) length++;
    if (length > best[1]) best = [i, length];
    i += length;
  }
  return best;
}

function parseIPv6(text) {
  const sides = text.split('::');
  if (sides.length > 2) return null;
  const [left, right] = sides.map(parsePieces);
  if (left === null || right === null) return null;
  if (sides.length === 2 && sides[0].includes('.')) return null;
  const missing = 8 - left.length - (right?.length ?? 0);
  if (right === undefined ? missing !== 0 : missing < 1) return null;
  const pieces = [...left, ...new Array(missing).fill(0), ...(right ?? [])];
  const [start, length] = longestZeroRun(pieces);
  const hex = (list) => list.map((piece) => piece.toString(16)).join(':');
  if (start < 0) return `[${hex(pieces)}]`;
  return `[${hex(pieces.slice(0, start))}::${hex(pieces.slice(start + length))}]`;
}

/** The punycode of a label; throws where one that is punycode already stands for nothing. */
function toASCIILabel(label) {
  const { decode, encode } = lazyPunycode();
  const isAscii = !/[^\0-\x7f]/.test(label);
  if (!label.startsWith('xn--')) return isAscii ? label : `xn--${encode(label)}`;
  const decoded = isAscii ? decode(label.slice(4)) : '';
  if (!/[^\0-\x7f]/.test(decoded) || /[\0-\x2c\x7f-\xa0]/.test(decoded)
    || decoded.normalize('NFKC').toLowerCase() !== decoded) {
    throw new RangeError('Invalid input');
  }
  return label;
}

/** The ASCII form of a domain, or null where punycode cannot be read. */
function toASCII(domain) {
  if (!/[^\0-\x7f]/.test(domain) && !/xn--/i.test(domain)) return domain.toLowerCase();
  try {
    return domain.normalize('NFKC').toLowerCase().normalize('NFKC')
      .replace(/[\xad\u200b\u2060\ufeff\u200c\u200d]/g, '')
      .split(/[.\u3002\uff0e\uff61]/).map(toASCIILabel).join('.');
  } catch {
    return null;
  }
}

function parseHost(text, special) {
  if (text.startsWith('[')) return text.endsWith(']') ? parseIPv6(text.slice(1, -1)) : null;
  if (!special) {
    return /[\0\t\n\r #/:<>?@[\\\]^|]/.test(text) ? null : percentEncode(text, 'control');
  }
  const domain = toASCII(percentDecode(text));
  if (!domain || /[\0-\x20#%/:<>?@[\\\]^|\x7f]/.test(domain)) return null;
  return endsInNumber(domain) ? parseIPv4(domain) : domain;
}

// The parser: one function for each kind of beginning.

const driveLetter = /^[a-z][:|]$/i;
const startsWithDrive = (text) => /^[a-z][:|](?:$|[/\\?#])/i.test(text);

function shorten(url) {
  const { path } = url;
  if (url.scheme === 'file' && path.length === 1 && /^[a-z]:$/i.test(path[0])) return;
  path.pop();
}

function splitQuery(url, text) {
  const at = text.indexOf('?');
  if (at < 0) return text;
  setQuery(url, text.slice(at + 1));
  return text.slice(0, at);
}

function setQuery(url, text) {
  url.query = percentEncode(text, isSpecial(url.scheme) ? 'specialQuery' : 'query');
}

/** Adds the segments of `text` to the path of `url`. */
function parsePath(url, text) {
  const special = isSpecial(url.scheme);
  if (text === '' && !special) return;
  const isSlash = text[0] === '/' || (special && text[0] === '\\');
  const segments = (isSlash ? text.slice(1) : text).split(special ? /[/\\]/ : '/');
  segments.forEach((segment, i) => {
    const last = i === segments.length - 1;
    const dots = segment.replace(/%2e/gi, '.');
    if (dots === '..') shorten(url);
    if (dots === '.' || dots === '..') {
      if (last) url.path.push('');
      return;
    }
    const isDrive = url.scheme === 'file' && url.path.length === 0 && driveLetter.test(segment);
    url.path.push(isDrive ? `${segment[0]}:` : percentEncode(segment, 'path'));
  });
}

function parsePort(url, text) {
  if (text === '') {
    url.port = null;
    return true;
  }
  if (!/^[0-9]+$/.test(text) || Number(text) > 65535) return false;
  url.port = Number(text) === defaultPorts[url.scheme] ? null : Number(text);
  return true;
}

/** 'host:port' into the two, the port undefined where there is no colon. */
function splitPort(text) {
  const [, name, , port] = /^((?:\[[^\]]*\]?|[^:[])*)(:([^]*))?$/.exec(text) ?? [];
  return [name, port];
}

function parseAuthority(url, text) {
  const at = text.lastIndexOf('@');
  if (at >= 0) {
    const [, user, , password] = /^([^:]*)(:([^]*))?$/.exec(text.slice(0, at));
    url.username = percentEncode(user, 'userinfo');
    url.password = percentEncode(password ?? '', 'userinfo');
  }
  const [name, port] = splitPort(text.slice(at + 1));
  if (name === undefined) return false;
  const empty = name === '';
  if (empty && (isSpecial(url.scheme) || at >= 0 || port !== undefined)) return false;
  url.host = empty ? '' : parseHost(name, isSpecial(url.scheme));
  return url.host !== null && parsePort(url, port ?? '');
}

function parseAuthorityAndPath(url, text) {
  const special = isSpecial(url.scheme);
  const rest = special ? text.replace(/^[/\\]+/, '') : text;
  const end = rest.search(special ? /[/\\?]/ : /[/?]/);
  const authority = end < 0 ? rest : rest.slice(0, end);
  if (!parseAuthority(url, authority)) return null;
  parsePath(url, splitQuery(url, end < 0 ? '' : rest.slice(end)));
  return url;
}

function parseFileHost(url, text) {
  const end = text.search(/[/\\?]/);
  const name = end < 0 ? text : text.slice(0, end);
  if (driveLetter.test(name)) {
    parsePath(url, splitQuery(url, text));
    return url;
  }
  url.host = name === '' ? '' : parseHost(name, true);
  if (url.host === null) return null;
  if (url.host === 'localhost') url.host = '';
  parsePath(url, splitQuery(url, end < 0 ? '' : text.slice(end)));
  return url;
}

function parseFile(url, text, base) {
  url.host = '';
  const fromFile = base?.scheme === 'file';
  if (/^[/\\]{2}/.test(text)) return parseFileHost(url, text.slice(2));
  if (/^[/\\]/.test(text)) {
    if (fromFile) {
      url.host = base.host;
      if (!startsWithDrive(text.slice(1)) && /^[a-z]:$/i.test(base.path[0] ?? '')) {
        url.path.push(base.path[0]);
      }
    }
    parsePath(url, splitQuery(url, text));
    return url;
  }
  if (fromFile) {
    url.host = base.host;
    return parseAgainst(url, text, base, startsWithDrive(text));
  }
  parsePath(url, splitQuery(url, text));
  return url;
}

/** Continues at the path of `base`. */
function parseAgainst(url, text, base, fresh = false) {
  if (!fresh) url.path = base.path.slice();
  if (text === '') {
    url.query = base.query;
    return url;
  }
  if (text[0] === '?') {
    setQuery(url, text.slice(1));
    return url;
  }
  if (!fresh) shorten(url);
  parsePath(url, splitQuery(url, text));
  return url;
}

function parseRelative(url, text, base) {
  url.scheme = base.scheme;
  const slashes = isSpecial(url.scheme) ? /^[/\\]{2}/ : /^\/\//;
  if (slashes.test(text)) return parseAuthorityAndPath(url, text.slice(2));
  url.username = base.username;
  url.password = base.password;
  url.host = base.host;
  url.port = base.port;
  if (text[0] === '/' || (text[0] === '\\' && isSpecial(url.scheme))) {
    parsePath(url, splitQuery(url, text));
    return url;
  }
  return parseAgainst(url, text, base);
}

function parseAbsolute(url, text, base) {
  const { scheme } = url;
  if (scheme === 'file') return parseFile(url, text, base);
  if (isSpecial(scheme)) {
    if (base?.scheme === scheme && !text.startsWith('//')) return parseRelative(url, text, base);
    return parseAuthorityAndPath(url, text);
  }
  if (text.startsWith('//')) return parseAuthorityAndPath(url, text.slice(2));
  const path = splitQuery(url, text);
  if (text.startsWith('/')) parsePath(url, path);
  else url.path = percentEncode(path, 'control');
  return url;
}

const isOpaque = (url) => typeof url.path === 'string';

function parseWithoutScheme(url, text, base, hasFragment) {
  if (base === undefined) return null;
  if (isOpaque(base)) {
    if (text !== '' || !hasFragment) return null;
    Object.assign(url, base, { fragment: url.fragment });
    return url;
  }
  url.scheme = base.scheme;
  return base.scheme === 'file' ? parseFile(url, text, base) : parseRelative(url, text, base);
}

const withoutBreaks = (text) => text.replace(/[\t\n\r]+/g, '');

/** The record of a URL, or null where `input` is none. */
function parse(input, base) {
  const text = withoutBreaks(input.toWellFormed().replace(/^[\0-\x20]+|[\0-\x20]+$/g, ''));
  const url = {
    scheme: '', username: '', password: '', host: null, port: null, path: [], query: null,
    fragment: null,
  };
  const hash = text.indexOf('#');
  if (hash >= 0) url.fragment = percentEncode(text.slice(hash + 1), 'fragment');
  const rest = hash >= 0 ? text.slice(0, hash) : text;
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(rest)?.[1];
  if (scheme === undefined) return parseWithoutScheme(url, rest, base, hash >= 0);
  url.scheme = scheme.toLowerCase();
  return parseAbsolute(url, rest.slice(scheme.length + 1), base);
}

function serializePath(url) {
  return isOpaque(url) ? url.path : url.path.map((segment) => `/${segment}`).join('');
}

function serialize(url, { fragment = true, auth = true, search = true } = {}) {
  let text = `${url.scheme}:`;
  if (url.host !== null) {
    text += '//';
    if (auth && (url.username || url.password)) {
      text += url.username + (url.password && `:${url.password}`);
      text += '@';
    }
    text += hostWithPort(url);
  } else if (!isOpaque(url) && url.path.length > 1 && url.path[0] === '') {
    text += '/.';
  }
  text += serializePath(url);
  if (search && url.query !== null) text += `?${url.query}`;
  if (fragment && url.fragment !== null) text += `#${url.fragment}`;
  return text;
}

const hostWithPort = (url) => (url.host ?? '') + (url.port === null ? '' : `:${url.port}`);
const cannotHaveCredentials = (url) => !url.host || url.scheme === 'file';

function invalidURL(input, base, { plainStack = true } = {}) {
  const error = makeError(TypeError, 'ERR_INVALID_URL', 'Invalid URL', { plainStack });
  error.input = input;
  if (base !== undefined) error.base = base;
  return error;
}

function requireArguments(given, ...names) {
  if (given.length < names.length) throw codes.ERR_MISSING_ARGS(...names);
}

// URLSearchParams.

const formDecode = (text) => percentDecode(text.replaceAll('+', ' '));
const formEncode = (text) => encodeURIComponent(text).replace(/[!'()~]/g, encodeChar)
  .replaceAll('%20', '+');

function parsePairs(text) {
  const pairs = [];
  for (const part of text.split('&')) {
    if (part === '') continue;
    const at = part.indexOf('=');
    const [name, value] = at < 0 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)];
    pairs.push([formDecode(name), formDecode(value)]);
  }
  return pairs;
}

const toUSV = (value) => `${value}`.toWellFormed();

function pairsOfIterable(init) {
  if (typeof init[Symbol.iterator] !== 'function') throw codes.ERR_ARG_NOT_ITERABLE('Query pairs');
  return Array.from(init, (pair) => {
    const isIterable = pair != null && typeof pair !== 'string'
      && typeof pair[Symbol.iterator] === 'function';
    const both = isIterable ? Array.from(pair) : [];
    if (both.length !== 2) throw codes.ERR_INVALID_TUPLE('Each query pair', '[name, value]');
    return both.map(toUSV);
  });
}

function pairsOf(init) {
  if (init == null) return [];
  if (typeof init !== 'object' && typeof init !== 'function') {
    return parsePairs(toUSV(init).replace(/^\?/, ''));
  }
  if (init[Symbol.iterator] != null) return pairsOfIterable(init);
  const record = new Map();
  for (const key of Reflect.ownKeys(init)) {
    if (Object.getOwnPropertyDescriptor(init, key)?.enumerable) {
      record.set(toUSV(key), toUSV(init[key]));
    }
  }
  return [...record];
}

let attach;
let ownPairs;

class URLSearchParams {
  #pairs;
  #changed = () => {};

  static {
    attach = (params, query, changed) => {
      params.#pairs = query === null ? [] : parsePairs(query);
      params.#changed = changed;
    };
    ownPairs = (params) => {
      if (!(#pairs in Object(params))) throw codes.ERR_INVALID_THIS('URLSearchParams');
      return params.#pairs;
    };
  }

  constructor(init = undefined) {
    this.#pairs = pairsOf(init);
  }

  get size() { return ownPairs(this).length; }

  append(name, value) {
    const pairs = ownPairs(this);
    requireArguments(arguments, 'name', 'value');
    pairs.push([toUSV(name), toUSV(value)]);
    this.#changed();
  }

  delete(name, value = undefined) {
    const pairs = ownPairs(this);
    requireArguments(arguments, 'name');
    const [key, only] = [toUSV(name), value === undefined ? undefined : toUSV(value)];
    this.#pairs = pairs.filter(([k, v]) => k !== key || (only !== undefined && v !== only));
    this.#changed();
  }

  get(name) {
    const pairs = ownPairs(this);
    requireArguments(arguments, 'name');
    const key = toUSV(name);
    return pairs.find(([k]) => k === key)?.[1] ?? null;
  }

  getAll(name) {
    const pairs = ownPairs(this);
    requireArguments(arguments, 'name');
    const key = toUSV(name);
    return pairs.filter(([k]) => k === key).map(([, v]) => v);
  }

  has(name, value = undefined) {
    const pairs = ownPairs(this);
    requireArguments(arguments, 'name');
    const [key, only] = [toUSV(name), value === undefined ? undefined : toUSV(value)];
    return pairs.some(([k, v]) => k === key && (only === undefined || v === only));
  }

  set(name, value) {
    const pairs = ownPairs(this);
    requireArguments(arguments, 'name', 'value');
    const [key, text] = [toUSV(name), toUSV(value)];
    const first = pairs.find(([k]) => k === key);
    if (first === undefined) pairs.push([key, text]);
    else {
      first[1] = text;
      this.#pairs = pairs.filter((pair) => pair === first || pair[0] !== key);
    }
    this.#changed();
  }

  sort() {
    const pairs = ownPairs(this);
    pairs.sort(([a], [b]) => (a < b ? -1 : Number(a > b)));
    this.#changed();
  }

  forEach(callback, thisArg = undefined) {
    if (typeof callback !== 'function') {
      throw codes.ERR_INVALID_ARG_TYPE('callback', 'Function', callback);
    }
    for (const [name, value] of this) callback.call(thisArg, value, name, this);
  }

  entries() { return pairIterator('URLSearchParams', () => ownPairs(this), (pair) => [...pair]); }
  keys() { return pairIterator('URLSearchParams', () => ownPairs(this), ([name]) => name); }
  values() { return pairIterator('URLSearchParams', () => ownPairs(this), ([, value]) => value); }

  toString() {
    return ownPairs(this).map(([name, value]) => `${formEncode(name)}=${formEncode(value)}`).join('&');
  }

  [customInspect](depth, options) {
    if (depth < 0) return options.stylize('[Object]', 'special');
    const inner = { ...options, depth: depth === null ? null : depth - 1 };
    const shown = this.#pairs.map((pair) => pair.map((one) => inspect(one, inner)).join(' => '));
    return inspectList(this.constructor.name, shown, options);
  }
}
URLSearchParams.prototype[Symbol.iterator] = URLSearchParams.prototype.entries;
Object.defineProperty(URLSearchParams.prototype, Symbol.iterator, { enumerable: false });
tag(URLSearchParams);
makeEnumerable(URLSearchParams, 'append', 'delete', 'get', 'getAll', 'has', 'set', 'sort',
  'entries', 'forEach', 'keys', 'values', 'toString', 'size');

/** `Name { a, b }`, on several lines where it is too long for one. */
function inspectList(name, shown, { breakLength }) {
  const length = shown.reduce((sum, one) => sum + one.length + 2, -2);
  if (shown.length === 0) return `${name} {}`;
  return length > breakLength ? `${name} {\n  ${shown.join(',\n  ')} }`
    : `${name} { ${shown.join(', ')} }`;
}

const IteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));
const iteratorPrototypes = new Map();

function inspectIterator(depth, options) {
  if (depth < 0) return options.stylize('[Object]', 'special');
  const shown = this[remaining]().map((one) => inspect(one, options));
  return inspectList('URLSearchParams Iterator', shown, options);
}

/** The prototype of the iterators of one class, which is named '<class> Iterator'. */
function iteratorPrototype(name) {
  let proto = iteratorPrototypes.get(name);
  if (proto === undefined) {
    proto = Object.create(IteratorPrototype, {
      next: {
        value() { return this[nextStep](); }, writable: true, enumerable: true, configurable: true,
      },
      [Symbol.toStringTag]: { value: `${name} Iterator`, configurable: true },
    });
    if (name === 'URLSearchParams') {
      Object.defineProperty(proto, customInspect, { value: inspectIterator, configurable: true });
    }
    iteratorPrototypes.set(name, proto);
  }
  return proto;
}
const nextStep = Symbol('next');
const remaining = Symbol('remaining');

/** A live iterator over the pairs that `list()` gives. */
function pairIterator(name, list, pick) {
  let at = 0;
  const hidden = (value) => ({ value, enumerable: false });
  return Object.create(iteratorPrototype(name), {
    [nextStep]: hidden(() => {
      const pairs = list();
      return at < pairs.length ? { value: pick(pairs[at++]), done: false }
        : { value: undefined, done: true };
    }),
    [remaining]: hidden(() => list().slice(at).map(pick)),
  });
}

// URL.

class URL {
  #url;
  #params;

  constructor(input, base = undefined) {
    requireArguments(arguments, 'url');
    const record = parseWithBase(`${input}`, base);
    if (record === null) throw invalidURL(`${input}`, base === undefined ? base : `${base}`);
    this.#url = record;
  }

  static parse(input, base = undefined) {
    requireArguments(arguments, 'url');
    return parseWithBase(`${input}`, base) === null ? null : new URL(input, base);
  }

  static canParse(url, base = undefined) {
    requireArguments(arguments, 'url');
    return parseWithBase(`${url}`, base) !== null;
  }

  static createObjectURL() { throw host.unavailable('URL.createObjectURL'); }
  static revokeObjectURL() { throw host.unavailable('URL.revokeObjectURL'); }

  #refreshParams() {
    if (this.#params === undefined) return;
    attach(this.#params, this.#url.query, () => {
      this.#url.query = this.#params.toString() || null;
    });
  }

  get href() { return serialize(this.#url); }
  set href(value) {
    const record = parse(`${value}`);
    if (record === null) throw invalidURL(`${value}`, undefined, { plainStack: false });
    this.#url = record;
    this.#refreshParams();
  }

  get origin() {
    const { scheme, path } = this.#url;
    if (scheme in defaultPorts) return `${scheme}://${hostWithPort(this.#url)}`;
    if (scheme === 'blob') {
      const inner = parse(String(path));
      if (inner !== null && /^https?$/.test(inner.scheme)) {
        return `${inner.scheme}://${hostWithPort(inner)}`;
      }
    }
    return 'null';
  }

  get protocol() { return `${this.#url.scheme}:`; }
  set protocol(value) {
    const url = this.#url;
    const scheme = /^([a-z][a-z0-9+.-]*)(?:$|:)/i.exec(withoutBreaks(`${value}`))?.[1].toLowerCase();
    if (scheme === undefined || isSpecial(scheme) !== isSpecial(url.scheme)) return;
    const hasMore = url.username || url.password || url.port !== null;
    if ((scheme === 'file' && hasMore) || (url.scheme === 'file' && url.host === '')) return;
    url.scheme = scheme;
    if (url.port === defaultPorts[scheme]) url.port = null;
  }

  get username() { return this.#url.username; }
  set username(value) {
    if (!cannotHaveCredentials(this.#url)) this.#url.username = percentEncode(toUSV(value), 'userinfo');
  }

  get password() { return this.#url.password; }
  set password(value) {
    if (!cannotHaveCredentials(this.#url)) this.#url.password = percentEncode(toUSV(value), 'userinfo');
  }

  #setHost(value, withPort) {
    const url = this.#url;
    if (isOpaque(url)) return;
    const special = isSpecial(url.scheme);
    const text = withoutBreaks(toUSV(value)).split(special ? /[/\\?#]/ : /[/?#]/, 1)[0];
    const [name, port] = splitPort(text);
    if (name === undefined || (port !== undefined && (name === '' || !withPort))) return;
    if (name === '' && (special ? url.scheme !== 'file'
      : url.username || url.password || url.port !== null)) return;
    const parsed = name === '' ? '' : parseHost(name, special);
    if (parsed === null) return;
    url.host = url.scheme === 'file' && parsed === 'localhost' ? '' : parsed;
    if (withPort && port !== undefined && url.scheme !== 'file') this.#setPort(port);
  }

  #setPort(text) {
    const digits = /^[0-9]+/.exec(text)?.[0];
    if (digits !== undefined) parsePort(this.#url, digits);
  }

  get host() { return hostWithPort(this.#url); }
  set host(value) { this.#setHost(value, true); }

  get hostname() { return this.#url.host ?? ''; }
  set hostname(value) { this.#setHost(value, false); }

  get port() { return this.#url.port === null ? '' : String(this.#url.port); }
  set port(value) {
    if (cannotHaveCredentials(this.#url)) return;
    const text = withoutBreaks(`${value}`);
    if (text === '') this.#url.port = null;
    else this.#setPort(text);
  }

  get pathname() { return serializePath(this.#url); }
  set pathname(value) {
    if (isOpaque(this.#url)) return;
    this.#url.path = [];
    parsePath(this.#url, withoutBreaks(toUSV(value)));
  }

  get search() { return this.#url.query ? `?${this.#url.query}` : ''; }
  set search(value) {
    const text = withoutBreaks(toUSV(value)).replace(/^\?/, '');
    this.#url.query = null;
    if (text !== '') setQuery(this.#url, text);
    this.#refreshParams();
  }

  get searchParams() {
    if (this.#params === undefined) {
      this.#params = new URLSearchParams();
      this.#refreshParams();
    }
    return this.#params;
  }

  get hash() { return this.#url.fragment ? `#${this.#url.fragment}` : ''; }
  set hash(value) {
    const text = withoutBreaks(toUSV(value)).replace(/^#/, '');
    this.#url.fragment = text === '' ? null : percentEncode(text, 'fragment');
  }

  toString() { return this.href; }
  toJSON() { return this.href; }

  [customInspect](depth, options) {
    if (depth < 0) return this;
    const shown = {};
    for (const name of shownFields) shown[name] = this[name];
    return `${this.constructor.name} ${inspect(shown, options)}`;
  }

  static record(url) { return #url in url ? url.#url : undefined; }
}
const { record: recordOf } = URL;
delete URL.record;
const shownFields = ['href', 'origin', 'protocol', 'username', 'password', 'host', 'hostname',
  'port', 'pathname', 'search', 'searchParams', 'hash'];
tag(URL);
makeEnumerable(URL, ...shownFields, 'toString', 'toJSON');
for (const name of ['parse', 'canParse', 'createObjectURL', 'revokeObjectURL']) {
  Object.defineProperty(URL, name, { enumerable: true });
}

function parseWithBase(input, base) {
  if (base === undefined) return parse(input);
  const record = parse(`${base}`);
  return record === null ? null : parse(input, record);
}

const isURL = (value) => value !== null && typeof value === 'object'
  && recordOf(value) !== undefined;

// The functions of the module.

function fileURLToPath(path) {
  const url = typeof path === 'string' ? new URL(path) : path;
  if (!isURL(url)) throw codes.ERR_INVALID_ARG_TYPE('path', ['string', 'URL'], path);
  if (url.protocol !== 'file:') throw codes.ERR_INVALID_URL_SCHEME('file');
  if (url.hostname !== '') throw codes.ERR_INVALID_FILE_URL_HOST();
  if (/%2f/i.test(url.pathname)) {
    throw codes.ERR_INVALID_FILE_URL_PATH('must not include encoded / characters');
  }
  return decodeURIComponent(url.pathname);
}

function pathToFileURL(filepath) {
  const resolved = require('path').resolve(filepath);
  const path = filepath.endsWith('/') && !resolved.endsWith('/') ? `${resolved}/` : resolved;
  return new URL(`file://${path.replace(/[%\\\n\r\t?#]/g, encodeChar)}`);
}

function urlToHttpOptions(url) {
  const { hostname, pathname, port, username, password, search } = url;
  const options = {
    __proto__: null,
    ...url,
    protocol: url.protocol,
    hostname: hostname.startsWith('[') ? hostname.slice(1, -1) : hostname,
    hash: url.hash,
    search,
    pathname,
    path: `${pathname || ''}${search || ''}`,
    href: url.href,
  };
  if (port !== '') options.port = Number(port);
  if (username || password) {
    options.auth = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  }
  return options;
}

/** url.format of a URL object. */
function formatURL(url, options) {
  if (options !== undefined) validateObject(options, 'options');
  const { fragment = true, unicode = false, search = true, auth = true } = options ?? {};
  const text = serialize(recordOf(url), { fragment, auth, search });
  return unicode ? text.replace(url.hostname, domainToUnicode(url.hostname)) : text;
}

const domainToASCII = (domain) => parseHost(`${domain}`, true) ?? '';
const domainToUnicode = (domain) => lazyPunycode().toUnicode(domainToASCII(domain));

// The first five are those of internal/url_legacy.
module.exports = {
  Url: undefined, parse: undefined, resolve: undefined, resolveObject: undefined,
  format: undefined, URL, URLSearchParams, domainToASCII, domainToUnicode, pathToFileURL, fileURLToPath,
  urlToHttpOptions,
};
Object.defineProperties(module.exports, {
  internals: { value: { isURL, formatURL, pairIterator, toUSV, requireArguments } },
});
