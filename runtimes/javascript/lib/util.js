// The module `util`, and `util/types`.
//
// Left out: MIMEType, getSystemErrorName, transferable abort controllers.
'use strict';

const { codes, validateFunction, validateString } = require('internal/errors');
const inspecting = require('internal/inspect');
const { types } = require('internal/types');
const { isDeepStrictEqual } = require('internal/comparisons');
const { TextEncoder, TextDecoder } = require('internal/encoding');

const kCustomPromisify = Symbol.for('nodejs.util.promisify.custom');

function promisify(original) {
  validateFunction(original, 'original');
  const custom = original[kCustomPromisify];
  if (custom) {
    validateFunction(custom, 'util.promisify.custom');
    return Object.defineProperty(custom, kCustomPromisify, {
      value: custom, enumerable: false, writable: false, configurable: true,
    });
  }
  function fn(...args) {
    return new Promise((resolve, reject) => {
      original.call(this, ...args, (error, value) => {
        if (error) reject(error);
        else resolve(value);
      });
    });
  }
  Object.setPrototypeOf(fn, Object.getPrototypeOf(original));
  Object.defineProperty(fn, kCustomPromisify, {
    value: fn, enumerable: false, writable: false, configurable: true,
  });
  const inherited = Object.getOwnPropertyDescriptors(original);
  for (const key of Reflect.ownKeys(inherited)) {
    if (key !== 'prototype' || !('prototype' in fn)) Object.defineProperty(fn, key, inherited[key]);
  }
  return fn;
}
promisify.custom = kCustomPromisify;

function callbackify(original) {
  validateFunction(original, 'original');
  function callbackified(...args) {
    const callback = args.pop();
    validateFunction(callback, 'last argument');
    const tick = (...rest) => require('process').nextTick(callback.bind(this), ...rest);
    Reflect.apply(original, this, args).then((value) => tick(null, value), (reason) => {
      if (reason) {
        tick(reason);
        return;
      }
      const error = codes.ERR_FALSY_VALUE_REJECTION();
      error.reason = reason;
      tick(error);
    });
  }
  Object.defineProperties(callbackified, {
    length: { value: original.length + 1, configurable: true },
    name: { value: `${original.name}Callbackified`, configurable: true },
  });
  return callbackified;
}

function inherits(ctor, superCtor) {
  if (ctor == null) throw codes.ERR_INVALID_ARG_TYPE('ctor', 'Function', ctor);
  if (superCtor == null) throw codes.ERR_INVALID_ARG_TYPE('superCtor', 'Function', superCtor);
  if (superCtor.prototype === undefined) {
    throw codes.ERR_INVALID_ARG_TYPE('superCtor.prototype', 'Object', superCtor.prototype);
  }
  Object.defineProperty(ctor, 'super_', {
    value: superCtor, writable: true, configurable: true,
  });
  Object.setPrototypeOf(ctor.prototype, superCtor.prototype);
}

function deprecate(fn, message, code) {
  if (code !== undefined) validateString(code, 'code');
  let told = false;
  function deprecated(...args) {
    if (!told) {
      told = true;
      const process = require('process');
      if (code === undefined || process.isFirstTold(code)) {
        process.emitWarning(message, 'DeprecationWarning', code);
      }
    }
    if (new.target) return Reflect.construct(fn, args, new.target);
    return Reflect.apply(fn, this, args);
  }
  Object.setPrototypeOf(deprecated, fn);
  if (fn.prototype) deprecated.prototype = fn.prototype;
  return deprecated;
}

/** Whether NODE_DEBUG names this section; it may hold * for anything. */
function isDebugging(section) {
  const wanted = require('process').env.NODE_DEBUG ?? '';
  return wanted.split(',').some((name) => name !== '' && new RegExp(
    `^${name.replace(/[|\\{}()[\]^$+?.]/g, '\\$&').replace(/\*/g, '.*')}$`, 'i').test(section));
}

function debuglog(section) {
  const log = (...args) => {
    if (!isDebugging(section)) return;
    const process = require('process');
    const text = inspecting.format(...args);
    process.stderr.write(`${section.toUpperCase()} ${process.pid}: ${text}\n`);
  };
  Object.defineProperty(log, 'enabled', { get: () => isDebugging(section), enumerable: true });
  return log;
}

/** `text` as it is, for nobody looks at a terminal; with escape sequences where that is not asked. */
function styleText(format, text, { validateStream = true } = {}) {
  validateString(text, 'text');
  const { colors } = inspecting.inspect;
  const names = Array.isArray(format) ? format : [format];
  const codesOf = names.map((name) => {
    if (colors[name] !== undefined) return colors[name];
    throw codes.ERR_INVALID_ARG_VALUE('format', name,
      `must be one of: ${Object.keys(colors).map((one) => `'${one}'`).join(', ')}`);
  });
  if (validateStream && !Array.isArray(format)) return text;
  const open = codesOf.map(([code]) => `\u001b[${code}m`).join('');
  const close = codesOf.map(([, code]) => `\u001b[${code}m`).reverse().join('');
  return `${open}${text}${close}`;
}

async function aborted(signal, resource) {
  if (signal === undefined) throw codes.ERR_INVALID_ARG_TYPE('signal', 'AbortSignal', signal);
  if (resource === null || typeof resource !== 'object') {
    throw codes.ERR_INVALID_ARG_TYPE('resource', 'Object', resource);
  }
  if (signal.aborted) return;
  await new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

const missing = (name) => function unavailable() { throw host.unavailable(`util.${name}`); };
const isObject = (value) => value !== null && typeof value === 'object';

module.exports = {
  aborted,
  callbackify,
  debug: debuglog,
  debuglog,
  deprecate,
  format: inspecting.format,
  formatWithOptions: inspecting.formatWithOptions,
  getSystemErrorMap: missing('getSystemErrorMap'),
  getSystemErrorName: missing('getSystemErrorName'),
  inherits,
  inspect: inspecting.inspect,
  isArray: Array.isArray,
  isBoolean: (value) => typeof value === 'boolean',
  isBuffer: (value) => require('buffer').Buffer.isBuffer(value),
  isDeepStrictEqual: (a, b) => isDeepStrictEqual(a, b),
  isNull: (value) => value === null,
  isNullOrUndefined: (value) => value == null,
  isNumber: (value) => typeof value === 'number',
  isString: (value) => typeof value === 'string',
  isSymbol: (value) => typeof value === 'symbol',
  isUndefined: (value) => value === undefined,
  isRegExp: types.isRegExp,
  isObject,
  isDate: types.isDate,
  isError: (value) => types.isNativeError(value) || value instanceof Error,
  isFunction: (value) => typeof value === 'function',
  isPrimitive: (value) => value === null || !/^(object|function)$/.test(typeof value),
  log(...args) {
    const date = new Date();
    const two = (value) => String(value).padStart(2, '0');
    const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
    const month = date.toDateString().slice(4, 7);
    globalThis.console.log('%s - %s', `${date.getDate()} ${month} ${time}`,
      inspecting.format(...args));
  },
  parseArgs: require('internal/parse_args').parseArgs,
  promisify,
  stripVTControlCharacters: inspecting.stripVTControlCharacters,
  styleText,
  TextDecoder,
  TextEncoder,
  toUSVString: (value) => `${value}`.toWellFormed(),
  types,
};
