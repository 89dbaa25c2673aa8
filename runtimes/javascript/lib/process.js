// The object `process` of Node.js, as far as it makes sense in an action.
//
// Hooks for the runner: setNextTick(fn) gives the queue of process.nextTick, flush() writes what
// process.stdout and process.stderr still hold without its newline.
// Left out: signals, child processes, users and groups, the input stream.
'use strict';

const EventEmitter = require('events');
const { codes, validateFunction, validateInteger } = require('internal/errors');

const process = Object.create(Object.create(EventEmitter.prototype, {
  constructor: {
    value: { process() {} }.process, writable: true, enumerable: false, configurable: true,
  },
}));
EventEmitter.call(process);

// Output, kept until its line ends.

/** The bytes or text of `chunk` as text. */
function textOf(chunk, encoding) {
  if (typeof chunk === 'string') {
    const isText = encoding === undefined || /^utf-?8$/i.test(encoding);
    return isText ? chunk : require('buffer').Buffer.from(chunk, encoding).toString();
  }
  if (ArrayBuffer.isView(chunk)) {
    return host.utf8Decode(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength), false);
  }
  throw codes.ERR_INVALID_ARG_TYPE('chunk', ['string', 'Buffer', 'Uint8Array'], chunk);
}

class OutputStream extends EventEmitter {
  #number;
  #partial = '';
  writable = true;
  isTTY = false;

  constructor(fd) {
    super();
    this.#number = fd;
    this.fd = fd;
    delete this.isTTY;
  }

  write(chunk, encoding, callback) {
    const done = typeof encoding === 'function' ? encoding : callback;
    const text = this.#partial + textOf(chunk, typeof encoding === 'string' ? encoding : undefined);
    const end = text.lastIndexOf('\n');
    this.#partial = text.slice(end + 1);
    if (end >= 0) host.print(this.#number, text.slice(0, end));
    if (typeof done === 'function') process.nextTick(done);
    return true;
  }

  end(chunk, encoding, callback) {
    const done = [chunk, encoding, callback].find((one) => typeof one === 'function');
    if (chunk !== undefined && typeof chunk !== 'function') this.write(chunk, encoding);
    this.flush();
    if (done !== undefined) process.nextTick(done);
    return this;
  }

  cork() {}
  uncork() {}

  flush() {
    if (this.#partial !== '') host.print(this.#number, this.#partial);
    this.#partial = '';
  }
}

const stdout = new OutputStream(1);
const stderr = new OutputStream(2);

function flush() {
  stdout.flush();
  stderr.flush();
}

// The environment, asked for when it is first used.

let environment;

/** Values are strings, as those of a real environment. */
function makeEnvironment() {
  const values = Object.create(Object.prototype);
  for (const [name, value] of host.environ()) values[name] = value;
  return new Proxy(values, {
    set(target, key, value) {
      if (typeof key === 'symbol' || typeof value === 'symbol') {
        throw new TypeError('Cannot convert a Symbol value to a string');
      }
      target[key] = `${value}`;
      return true;
    },
    defineProperty(target, key, descriptor) {
      const { value, writable, enumerable, configurable } = descriptor;
      if ('get' in descriptor || 'set' in descriptor) {
        throw codes.ERR_INVALID_OBJECT_DEFINE_PROPERTY(
          "'process.env' does not accept an accessor(getter/setter) descriptor");
      }
      if (!(writable && enumerable && configurable)) {
        throw codes.ERR_INVALID_OBJECT_DEFINE_PROPERTY("'process.env' only accepts a configurable, "
          + 'writable, and enumerable data descriptor');
      }
      return Reflect.defineProperty(target, key, { ...descriptor, value: `${value}` });
    },
  });
}

// Time.

let started;

/** When the process began: the first moment anything is asked. */
function startTime() {
  started ??= host.hrtime();
  return started;
}

function hrtime(previous) {
  const now = host.hrtime();
  const time = [Number(now / 1_000_000_000n), Number(now % 1_000_000_000n)];
  if (previous === undefined) return time;
  if (!Array.isArray(previous)) throw codes.ERR_INVALID_ARG_TYPE('time', 'Array', previous);
  if (previous.length !== 2) throw codes.ERR_OUT_OF_RANGE('time', 2, previous.length);
  const seconds = time[0] - previous[0];
  const nanoseconds = time[1] - previous[1];
  return nanoseconds < 0 ? [seconds - 1, nanoseconds + 1e9] : [seconds, nanoseconds];
}
hrtime.bigint = function bigint() { return host.hrtime(); };

// The queue of nextTick.

let nextTickOf;
function nextTick(callback, ...args) {
  validateFunction(callback, 'callback');
  nextTickOf(callback, ...args);
}

// Warnings.

const deprecationsTold = new Set();
let warnedOnce = false;

function printWarning(warning) {
  const { name, code, message, detail } = warning;
  const isDeprecation = name === 'DeprecationWarning';
  const prefix = code ? `[${code}] ` : '';
  let text = `(node:${process.pid}) ${prefix}${warning.toString === Error.prototype.toString
    ? `${name}: ${message}` : warning.toString()}`;
  if (typeof detail === 'string') text += `\n${detail}`;
  stderr.write(`${text}\n`);
  if (warnedOnce) return;
  warnedOnce = true;
  const flag = isDeprecation ? '--trace-deprecation' : '--trace-warnings';
  stderr.write(`(Use \`node ${flag} ...\` to show where the warning was created)\n`);
}

function emitWarning(warning, typeOrOptions, code) {
  const options = typeOrOptions !== null && typeof typeOrOptions === 'object'
    ? typeOrOptions : { type: typeOrOptions, code };
  let error = warning;
  if (typeof warning === 'string') {
    error = new Error(warning);
    error.name = String(options.type ?? 'Warning');
    if (typeof options.code === 'string') error.code = options.code;
    if (typeof options.detail === 'string') error.detail = options.detail;
  } else if (!(warning instanceof Error)) {
    throw codes.ERR_INVALID_ARG_TYPE('warning', ['Error', 'string'], warning);
  }
  if (error.name === 'DeprecationWarning') {
    if (process.noDeprecation) return;
    if (process.throwDeprecation) nextTick(() => { throw error; });
  }
  nextTick(() => {
    printWarning(error);
    process.emit('warning', error);
  });
}

/** Whether a deprecation with this code is told for the first time. */
function isFirstTold(code) {
  if (deprecationsTold.has(code)) return false;
  deprecationsTold.add(code);
  return true;
}

function exit(code = process.exitCode) {
  if (code !== undefined && code !== null) {
    const number = typeof code === 'string' && code !== '' ? Number(code) : code;
    validateInteger(number, 'code');
    process.exitCode = number;
  }
  process.emit('exit', process.exitCode ?? 0);
  flush();
  host.exit(process.exitCode ?? 0);
}

function memoryUsage() {
  return {
    rss: 33554432, heapTotal: 16777216, heapUsed: 8388608, external: 1048576, arrayBuffers: 16384,
  };
}
memoryUsage.rss = () => memoryUsage().rss;

const unavailable = (name) => () => { throw host.unavailable(`process.${name}`); };

Object.assign(process, {
  title: 'node',
  version: 'v20.20.0',
  versions: { node: '20.20.0', v8: '11.3.244.8-node.33', modules: '115' },
  arch: 'x64',
  platform: 'linux',
  release: { name: 'node', lts: 'Iron' },
  argv: ['/usr/local/bin/node', '/index.js'],
  execArgv: [],
  execPath: '/usr/local/bin/node',
  argv0: 'node',
  pid: 1,
  ppid: 0,
  exitCode: undefined,
  features: {
    inspector: false, debug: false, uv: true, ipv6: true, tls_alpn: true, tls_sni: true,
    tls_ocsp: true, tls: true, cached_builtins: true,
  },
  config: { target_defaults: {}, variables: {} },
  stdout,
  stderr,
  cwd: () => '/',
  chdir: unavailable('chdir'),
  umask: () => 0o022,
  getuid: () => 0,
  geteuid: () => 0,
  getgid: () => 0,
  getegid: () => 0,
  getgroups: () => [0],
  hrtime,
  uptime: () => Number(host.hrtime() - startTime()) / 1e9,
  memoryUsage,
  constrainedMemory: () => 0,
  cpuUsage: () => ({ user: Math.round(Number(host.hrtime() - startTime()) / 1e3), system: 0 }),
  resourceUsage: unavailable('resourceUsage'),
  nextTick,
  emitWarning,
  exit,
  reallyExit: (code) => host.exit(code ?? 0),
  abort: unavailable('abort'),
  kill: unavailable('kill'),
  dlopen: unavailable('dlopen'),
  binding: unavailable('binding'),
  setUncaughtExceptionCaptureCallback: unavailable('setUncaughtExceptionCaptureCallback'),
  hasUncaughtExceptionCaptureCallback: () => false,
  getActiveResourcesInfo: () => [],
});
Object.defineProperties(process, {
  env: {
    enumerable: true,
    configurable: true,
    get() {
      environment ??= makeEnvironment();
      return environment;
    },
    set(value) { environment = value; },
  },
  stdin: { enumerable: true, configurable: true, get: unavailable('stdin') },
  [Symbol.toStringTag]: { value: 'process', configurable: true },
  setNextTick: { value: (fn) => { nextTickOf = fn; } },
  flush: { value: flush },
  isFirstTold: { value: isFirstTold },
});

module.exports = process;
