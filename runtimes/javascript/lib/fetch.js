// fetch, Request and Response, over the host's one way out.
//
// Left out: streams. A body is read whole before `fetch` resolves, so `response.body` is null or
// fails with the name of what is missing; `cache`, `credentials`, `mode` and the like are accepted
// and have no effect, as in Node.js.
'use strict';

const { Headers, FormData } = require('internal/fetch_types');
const { Blob, bytesOfBlob } = require('internal/blob');
const { URL, URLSearchParams } = require('url');
const { TextDecoder } = require('internal/encoding');
const { inspect } = require('internal/inspect');

const customInspect = Symbol.for('nodejs.util.inspect.custom');
const REDIRECT = [301, 302, 303, 307, 308];
const NO_BODY = [101, 103, 204, 205, 304];
const FORBIDDEN = ['CONNECT', 'TRACE', 'TRACK'];
const NORMALISED = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT'];

// --- bodies -------------------------------------------------------------------------------------

/** Bytes of a body and the type that they have by themselves. */
function extract(body) {
  if (body === null || body === undefined) return { bytes: null, type: null };
  if (body instanceof URLSearchParams) {
    const type = 'application/x-www-form-urlencoded;charset=UTF-8';
    return { bytes: host.utf8Encode(body.toString()), type };
  }
  if (body instanceof Blob) return { bytes: bytesOfBlob(body).slice(), type: body.type || null };
  if (body instanceof FormData) return multipart(body);
  if (body instanceof ArrayBuffer) return { bytes: new Uint8Array(body.slice(0)), type: null };
  if (ArrayBuffer.isView(body)) {
    const view = new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
    return { bytes: view.slice(), type: null };
  }
  if (typeof body === 'object' && typeof body[Symbol.asyncIterator] === 'function') {
    throw host.unavailable('fetch with a streamed body');
  }
  return { bytes: host.utf8Encode(`${body}`), type: 'text/plain;charset=UTF-8' };
}

function concat(parts) {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function multipart(form) {
  const boundary = `----formdata-quirl-${`${Math.random()}`.slice(2).padStart(16, '0')}`;
  const escaped = (name) =>
    name.replace(/\r\n?|\n/g, '\r\n').replace(/[\r\n"]/g, (it) => encodeURIComponent(it));
  const parts = [];
  for (const [name, value] of form) {
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${escaped(name)}"`;
    if (typeof value === 'string') {
      parts.push(host.utf8Encode(`${head}\r\n\r\n${value.replace(/\r\n?|\n/g, '\r\n')}\r\n`));
    } else {
      const type = value.type || 'application/octet-stream';
      const of = `${head}; filename="${escaped(value.name)}"\r\nContent-Type: ${type}\r\n\r\n`;
      parts.push(host.utf8Encode(of), bytesOfBlob(value), host.utf8Encode('\r\n'));
    }
  }
  parts.push(host.utf8Encode(`--${boundary}--\r\n`));
  return { bytes: concat(parts), type: `multipart/form-data; boundary=${boundary}` };
}

/** What Request and Response have in common. */
class Body {
  #bytes;
  #isUsed = false;

  constructor(bytes) {
    this.#bytes = bytes;
  }

  /** The bytes, once. */
  static take(of) {
    if (of.#isUsed) throw new TypeError('Body is unusable: Body has already been read');
    of.#isUsed = of.#bytes !== null;
    return of.#bytes ?? new Uint8Array(0);
  }

  /** The bytes, for a copy. */
  static copy(of, what) {
    if (of.#isUsed) throw new TypeError(`${what}: Body has already been consumed.`);
    return of.#bytes;
  }

  get body() {
    if (this.#bytes === null) return null;
    throw host.unavailable('the stream of a body (text(), json() and arrayBuffer() work)');
  }

  get bodyUsed() {
    return this.#isUsed;
  }

  async arrayBuffer() {
    return Body.take(this).slice().buffer;
  }

  async bytes() {
    return Body.take(this).slice();
  }

  async blob() {
    return new Blob([Body.take(this)], { type: this.headers.get('content-type') ?? '' });
  }

  async text() {
    return new TextDecoder().decode(Body.take(this));
  }

  async json() {
    return JSON.parse(await this.text());
  }

  async formData() {
    const type = this.headers.get('content-type') ?? '';
    if (!/^application\/x-www-form-urlencoded\b/i.test(type)) {
      throw host.unavailable(`formData() of '${type}'`);
    }
    const form = new FormData();
    for (const [name, value] of new URLSearchParams(await this.text())) form.append(name, value);
    return form;
  }
}

// --- Request ------------------------------------------------------------------------------------

function methodOf(method) {
  const text = `${method}`;
  const upper = text.toUpperCase();
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text)) {
    throw new TypeError(`'${text}' is not a valid HTTP method.`);
  }
  if (FORBIDDEN.includes(upper)) throw new TypeError(`'${text}' HTTP method is unsupported.`);
  return NORMALISED.includes(upper) || upper === 'PATCH' ? upper : text;
}

function urlOf(input) {
  let url;
  try {
    url = new URL(`${input}`);
  } catch (cause) {
    throw new TypeError(`Failed to parse URL from ${input}`, { cause });
  }
  if (url.username || url.password) {
    throw new TypeError(`Request cannot be constructed from a URL that includes credentials: ${input}`);
  }
  return url;
}

class Request extends Body {
  #url;
  #method;
  #headers;
  #redirect;
  #signal;

  constructor(input, init = {}) {
    if (arguments.length === 0) {
      throw new TypeError('Request constructor: 1 argument required, but only 0 found.');
    }
    const from = input instanceof Request ? input : undefined;
    const method = methodOf(init.method ?? from?.method ?? 'GET');
    const given = extract(init.body);
    const bytes = given.bytes ?? (from ? Body.copy(from, 'Request constructor') : null);
    if (bytes !== null && (method === 'GET' || method === 'HEAD')) {
      throw new TypeError('Request with GET/HEAD method cannot have body.');
    }
    super(bytes);
    this.#url = from ? new URL(from.url) : urlOf(input);
    this.#method = method;
    this.#headers = new Headers(init.headers ?? from?.headers);
    if (given.type && !this.#headers.has('content-type')) {
      this.#headers.set('content-type', given.type);
    }
    this.#redirect = init.redirect ?? from?.redirect ?? 'follow';
    if (!['follow', 'error', 'manual'].includes(this.#redirect)) {
      throw new TypeError(`Request constructor: ${this.#redirect} is not an accepted type. `
        + 'Expected one of follow, error, manual.');
    }
    const signal = init.signal === undefined ? from?.signal : init.signal;
    if (signal !== null && signal !== undefined && !(signal instanceof AbortSignal)) {
      throw new TypeError('Request constructor: Expected signal to be an instance of AbortSignal.');
    }
    this.#signal = signal ?? new AbortController().signal;
    if (from && given.bytes === null && bytes !== null) Body.take(from);
  }

  get url() {
    return this.#url.href;
  }
  get method() {
    return this.#method;
  }
  get headers() {
    return this.#headers;
  }
  get redirect() {
    return this.#redirect;
  }
  get signal() {
    return this.#signal;
  }

  clone() {
    const body = Body.copy(this, 'Request.clone');
    const { url, method, headers, redirect, signal } = this;
    return new Request(url, { method, headers, redirect, signal, body: body ?? undefined });
  }

  [customInspect](depth, options) {
    const { method, url, headers, redirect, bodyUsed } = this;
    return `Request ${inspect({ method, url, headers, redirect, bodyUsed }, options)}`;
  }
}

// --- Response -----------------------------------------------------------------------------------

class Response extends Body {
  #status;
  #statusText;
  #headers;
  #url = '';
  #redirected = false;
  #type = 'default';

  constructor(body = null, init = {}) {
    const { bytes, type } = extract(body);
    super(bytes);
    const status = init.status ?? 200;
    if (!Number.isInteger(status) || status < 200 || status > 599) {
      throw new RangeError('init["status"] must be in the range of 200 to 599, inclusive.');
    }
    const statusText = `${init.statusText ?? ''}`;
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(statusText)) throw new TypeError('Invalid statusText');
    if (bytes !== null && NO_BODY.includes(status)) {
      throw new TypeError(`Response constructor: Invalid response status code ${status}`);
    }
    this.#status = status;
    this.#statusText = statusText;
    this.#headers = new Headers(init.headers);
    if (type && !this.#headers.has('content-type')) this.#headers.set('content-type', type);
  }

  /** What the host brought. */
  static arrived(head, bytes) {
    const isEmpty = NO_BODY.includes(head.status);
    const { status, statusText } = head;
    const response = new Response(isEmpty ? null : bytes, { status, statusText });
    response.#headers = new Headers();
    for (const [name, value] of head.headers) response.#headers.append(name, value);
    response.#url = head.url;
    response.#redirected = head.redirected;
    response.#type = 'basic';
    return response;
  }

  static error() {
    const response = new Response();
    response.#status = 0;
    response.#type = 'error';
    return response;
  }

  static redirect(url, status = 302) {
    if (!REDIRECT.includes(status)) throw new RangeError(`Invalid status code ${status}`);
    return new Response(null, { status, headers: { location: urlOf(url).href } });
  }

  static json(data, init = {}) {
    const text = JSON.stringify(data);
    if (text === undefined) throw new TypeError('Value is not JSON serializable');
    const headers = new Headers(init.headers);
    if (!headers.has('content-type')) headers.set('content-type', 'application/json');
    return new Response(text, { ...init, headers });
  }

  get status() {
    return this.#status;
  }
  get ok() {
    return this.#status >= 200 && this.#status <= 299;
  }
  get statusText() {
    return this.#statusText;
  }
  get headers() {
    return this.#headers;
  }
  get url() {
    return this.#url;
  }
  get redirected() {
    return this.#redirected;
  }
  get type() {
    return this.#type;
  }

  clone() {
    const bytes = Body.copy(this, 'Response.clone');
    const { status, statusText, headers } = this;
    const copy = new Response(bytes, { status: status || 200, statusText, headers });
    copy.#status = status;
    copy.#url = this.#url;
    copy.#redirected = this.#redirected;
    copy.#type = this.#type;
    return copy;
  }

  [customInspect](depth, options) {
    const { status, statusText, headers, bodyUsed, ok, redirected, type, url } = this;
    const shown = { status, statusText, headers, bodyUsed, ok, redirected, type, url };
    return `Response ${inspect(shown, options)}`;
  }
}

for (const [prototype, name] of [[Request.prototype, 'Request'], [Response.prototype, 'Response']]) {
  Object.defineProperty(prototype, Symbol.toStringTag, { value: name, configurable: true });
}

// --- fetch --------------------------------------------------------------------------------------

/** The error of a request that came to nothing. */
function failure({ kind, text }) {
  if (kind === 'refused' || kind === 'invalid') return new TypeError(text);
  const error = new TypeError('fetch failed', { cause: new Error(text) });
  if (kind === 'timeout') error.cause.code = 'UND_ERR_HEADERS_TIMEOUT';
  return error;
}

/** Sends a request and resolves with its response, whose body is there. */
function fetch(input, init) {
  return new Promise((resolve, reject) => {
    const request = new Request(input, init);
    const { signal } = request;
    if (signal.aborted) throw signal.reason;
    const bytes = Body.take(request);
    const { url, method, redirect } = request;
    const headers = [...request.headers];
    const cancel = host.request({ url, method, redirect, headers }, bytes, (head, body) => {
      signal.removeEventListener('abort', abort);
      if (head.error) return reject(failure(head.error));
      try {
        resolve(Response.arrived(head, body ?? new Uint8Array(0)));
      } catch (error) {
        reject(error);
      }
    });
    const abort = () => {
      cancel();
      reject(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
  });
}

module.exports = { fetch, Request, Response };
for (const name of Object.keys(module.exports)) {
  Object.defineProperty(globalThis, name, {
    value: module.exports[name], writable: true, enumerable: name === 'fetch', configurable: true,
  });
}
