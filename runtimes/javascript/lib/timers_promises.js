// The module `timers/promises`.
'use strict';

const {
  makeAbortError, validateAbortSignal, validateBoolean, validateNumber, validateObject,
} = require('internal/errors');

const timers = require('timers');

function checkOptions(options) {
  validateObject(options, 'options');
  validateAbortSignal(options.signal, 'options.signal');
  if (options.ref !== undefined) validateBoolean(options.ref, 'options.ref');
}

/** A promise for `value` that `start(resolve)` fulfils; `stop` ends what it began. */
function wait(value, options, start, stop) {
  const { signal } = options;
  const abortError = () => makeAbortError(undefined, { cause: signal.reason });
  if (signal?.aborted) return Promise.reject(abortError());
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      stop(timer);
      reject(abortError());
    };
    const timer = start(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve(value);
    });
    if (options.ref === false) timer?.unref?.();
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

async function setTimeout(delay, value, options = {}) {
  if (delay !== undefined) validateNumber(delay, 'delay');
  checkOptions(options);
  return wait(value, options, (done) => timers.setTimeout(done, delay),
    (timer) => timers.clearTimeout(timer));
}

async function setImmediate(value, options = {}) {
  checkOptions(options);
  return wait(value, options, (done) => timers.setImmediate(done),
    (timer) => timers.clearImmediate(timer));
}

async function* setInterval(delay, value, options = {}) {
  if (delay !== undefined) validateNumber(delay, 'delay');
  checkOptions(options);
  const { signal } = options;
  let due = 0;
  let wake = () => {};
  const timer = timers.setInterval(() => {
    due++;
    wake();
  }, delay);
  if (options.ref === false) timer?.unref?.();
  const onAbort = () => wake();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    for (;;) {
      if (signal?.aborted) throw makeAbortError(undefined, { cause: signal.reason });
      if (due === 0) await new Promise((resolve) => { wake = resolve; });
      for (; due > 0; due--) yield value;
    }
  } finally {
    timers.clearInterval(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

const scheduler = {
  wait: (delay, options) => setTimeout(delay, undefined, options),
  yield: () => setImmediate(),
};

module.exports = { setTimeout, setImmediate, setInterval, scheduler };
