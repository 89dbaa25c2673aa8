// Puts everything where a program expects it: the globals of Node.js, enumerable where they are.
//
// The last module of the list. The timers, fetch, Request and Response are the runner's.
'use strict';

const { codes } = require('internal/errors');
const { localeCompare } = require('internal/collation');

const globals = {
  ...require('internal/encoding'),
  URL: require('url').URL,
  URLSearchParams: require('url').URLSearchParams,
  Buffer: require('buffer').Buffer,
  console: require('console'),
  process: require('process'),
  performance: require('perf_hooks').performance,
  Performance: require('perf_hooks').performance.constructor,
  PerformanceEntry: require('perf_hooks').PerformanceEntry,
  PerformanceMark: require('perf_hooks').PerformanceMark,
  PerformanceMeasure: require('perf_hooks').PerformanceMeasure,
  crypto: require('crypto').webcrypto,
  ...require('crypto').internals,
  ...require('internal/structured_clone'),
  ...require('internal/fetch_types'),
  Blob: require('internal/blob').Blob,
  File: require('internal/blob').File,
};
for (const name of ['Event', 'CustomEvent', 'EventTarget', 'AbortController', 'AbortSignal']) {
  globals[name] = require('internal/event_target')[name];
}

/** The globals that Object.keys(globalThis) lists in Node. */
const enumerableNames = new Set([
  'global', 'queueMicrotask', 'structuredClone', 'atob', 'btoa', 'performance', 'crypto',
]);

function define(target, name, value) {
  Object.defineProperty(target, name, {
    value,
    writable: true,
    enumerable: target === globalThis && enumerableNames.has(name),
    configurable: true,
  });
}

// The engine has atob and btoa; Node's messages differ.

const native = { atob: globalThis.atob, btoa: globalThis.btoa };

function needInput(given) {
  if (given.length === 0) throw codes.ERR_MISSING_ARGS('input');
}

globals.atob = function atob(input) {
  needInput(arguments);
  try {
    return native.atob(`${input}`);
  } catch {
    throw new DOMException(/[^A-Za-z0-9+/=\t\n\f\r ]/.test(input) ? 'Invalid character'
      : 'The string to be decoded is not correctly encoded.', 'InvalidCharacterError');
  }
};
globals.btoa = function btoa(input) {
  needInput(arguments);
  try {
    return native.btoa(`${input}`);
  } catch {
    throw new DOMException('Invalid character', 'InvalidCharacterError');
  }
};

for (const name of Object.keys(globals)) define(globalThis, name, globals[name]);
define(globalThis, 'global', globalThis);
define(globalThis, 'queueMicrotask', globalThis.queueMicrotask);
Object.defineProperty(globalThis, Symbol.toStringTag, { value: 'global', configurable: true });

define(String.prototype, 'localeCompare', localeCompare);
Object.defineProperty(localeCompare, 'length', { value: 1, configurable: true });
require('internal/locale').install();

// What only this engine has.
for (const name of ['InternalError', 'DisposableStack', 'AsyncDisposableStack', 'SuppressedError',
  'navigator', 'print', 'gc', 'scriptArgs', 'execArgv', 'argv0', 'Float16Array']) {
  delete globalThis[name];
}
