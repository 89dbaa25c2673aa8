// EventEmitter and the module `events`, as in Node.js 20.
//
// Left out: domains and EventEmitterAsyncResource.
'use strict';

const {
  codes, makeError, makeAbortError, validateAbortSignal, validateFunction, validateNumber,
} = require('internal/errors');
const { inspect } = require('internal/inspect');

const kCapture = Symbol('kCapture');
const kShapeMode = Symbol('shapeMode');
const kErrorMonitor = Symbol('events.errorMonitor');
const kRejection = Symbol.for('nodejs.rejection');
const isEventTarget = (value) => typeof value?.addEventListener === 'function';

let defaultMaxListeners = 10;
const emptyTable = () => Object.create(null);

function EventEmitter(options) {
  init.call(this, options);
}

function init(options) {
  const inherited = Object.getPrototypeOf(this)._events;
  if (this._events === undefined || this._events === inherited) {
    this[kShapeMode] = false;
    this._events = emptyTable();
    this._eventsCount = 0;
  } else {
    this[kShapeMode] = true;
  }
  this._maxListeners = this._maxListeners || undefined;
  this[kCapture] = options?.captureRejections
    ? Boolean(options.captureRejections) : EventEmitter.prototype[kCapture];
}

EventEmitter.prototype._events = undefined;
EventEmitter.prototype._eventsCount = 0;
EventEmitter.prototype._maxListeners = undefined;
Object.defineProperty(EventEmitter.prototype, kCapture, {
  value: false, writable: true, enumerable: false,
});

function checkListener(listener) {
  if (typeof listener !== 'function') {
    throw codes.ERR_INVALID_ARG_TYPE('listener', 'Function', listener);
  }
}

const maxListenersOf = (emitter) => emitter._maxListeners ?? defaultMaxListeners;
const listOf = (entry) => (typeof entry === 'function' ? [entry] : entry ?? []);

/** Tells once per list of an emitter that it grows suspiciously. */
function warnOfLeak(emitter, type, list) {
  const most = maxListenersOf(emitter);
  if (most <= 0 || list.length <= most || list.warned) return;
  Object.defineProperty(list, 'warned', { value: true });
  const warning = new Error('Possible EventEmitter memory leak detected. '
    + `${list.length} ${String(type)} listeners added to ${inspect(emitter, { depth: -1 })}. `
    + `MaxListeners is ${most}. Use emitter.setMaxListeners() to increase limit`);
  warning.name = 'MaxListenersExceededWarning';
  Object.assign(warning, { emitter, type, count: list.length });
  require('process').emitWarning(warning);
}

function add(emitter, type, listener, prepend) {
  checkListener(listener);
  if (emitter._events === undefined) {
    emitter._events = emptyTable();
    emitter._eventsCount = 0;
  } else if (emitter._events.newListener !== undefined) {
    emitter.emit('newListener', type, listener.listener ?? listener);
  }
  const entry = emitter._events[type];
  if (entry === undefined) {
    emitter._events[type] = listener;
    emitter._eventsCount++;
    return emitter;
  }
  const list = typeof entry === 'function'
    ? emitter._events[type] = prepend ? [listener, entry] : [entry, listener]
    : entry;
  if (list === entry) {
    if (prepend) list.unshift(listener);
    else list.push(listener);
  }
  warnOfLeak(emitter, type, list);
  return emitter;
}

function onceWrapper(emitter, type, listener) {
  checkListener(listener);
  let fired = false;
  const wrapper = function bound(...args) {
    if (fired) return undefined;
    emitter.removeListener(type, wrapper);
    fired = true;
    return listener.apply(emitter, args);
  };
  wrapper.listener = listener;
  return wrapper;
}

/** Takes care of a promise that a listener returned, where captureRejections asks for it. */
function capture(emitter, promise, type, args) {
  const { then } = promise;
  if (typeof then !== 'function') return;
  then.call(promise, undefined, (error) => {
    queueMicrotask(() => {
      if (typeof emitter[kRejection] === 'function') {
        emitter[kRejection](error, type, ...args);
        return;
      }
      const previous = emitter[kCapture];
      try {
        emitter[kCapture] = false;
        emitter.emit('error', error);
      } finally {
        emitter[kCapture] = previous;
      }
    });
  });
}

function throwUnhandled(error) {
  if (error instanceof Error) throw error;
  let shown;
  try {
    shown = inspect(error);
  } catch {
    shown = error;
  }
  const failure = makeError(Error, 'ERR_UNHANDLED_ERROR', `Unhandled error. (${shown})`);
  failure.context = error;
  throw failure;
}

function removeAt(emitter, type, list, position) {
  if (list.length === 1) {
    delete emitter._events[type];
    emitter._eventsCount--;
    return;
  }
  const rest = list.filter((_, i) => i !== position);
  emitter._events[type] = rest.length === 1 ? rest[0] : rest;
}

function listenersOf(emitter, type, unwrap) {
  const list = listOf(emitter._events?.[type]);
  return list.map((one) => (unwrap ? one.listener ?? one : one));
}

/** What util.inherits and class extends find on the prototype. */
const methods = {
  setMaxListeners(n) {
    validateNumber(n, 'setMaxListeners', 0);
    this._maxListeners = n;
    return this;
  },
  getMaxListeners() {
    return maxListenersOf(this);
  },
  emit(type, ...args) {
    const events = this._events;
    if (type === 'error') {
      if (events?.[kErrorMonitor] !== undefined) this.emit(kErrorMonitor, ...args);
      if (events?.error === undefined) throwUnhandled(args[0]);
    }
    const entry = events?.[type];
    if (entry === undefined) return false;
    for (const listener of typeof entry === 'function' ? [entry] : entry.slice()) {
      const result = listener.apply(this, args);
      if (this[kCapture] && result != null) capture(this, result, type, args);
    }
    return true;
  },
  addListener(type, listener) {
    return add(this, type, listener, false);
  },
  on(type, listener) {
    return add(this, type, listener, false);
  },
  prependListener(type, listener) {
    return add(this, type, listener, true);
  },
  once(type, listener) {
    return this.on(type, onceWrapper(this, type, listener));
  },
  prependOnceListener(type, listener) {
    return this.prependListener(type, onceWrapper(this, type, listener));
  },
  removeListener(type, listener) {
    checkListener(listener);
    const list = listOf(this._events?.[type]);
    const position = list.findLastIndex((one) => one === listener || one.listener === listener);
    if (position < 0) return this;
    const removed = list[position];
    removeAt(this, type, list, position);
    if (this._events.removeListener !== undefined) {
      this.emit('removeListener', type, removed.listener ?? listener);
    }
    return this;
  },
  off(type, listener) {
    return this.removeListener(type, listener);
  },
  removeAllListeners(type) {
    if (this._events === undefined) return this;
    if (this._events.removeListener === undefined) {
      if (arguments.length === 0) {
        this._events = emptyTable();
        this._eventsCount = 0;
      } else if (this._events[type] !== undefined) {
        delete this._events[type];
        this._eventsCount--;
      }
      return this;
    }
    if (arguments.length === 0) {
      for (const key of Reflect.ownKeys(this._events)) {
        if (key !== 'removeListener') this.removeAllListeners(key);
      }
      this.removeAllListeners('removeListener');
      return this;
    }
    for (const listener of listOf(this._events[type]).toReversed()) {
      this.removeListener(type, listener);
    }
    return this;
  },
  listeners(type) {
    return listenersOf(this, type, true);
  },
  rawListeners(type) {
    return listenersOf(this, type, false);
  },
  listenerCount(type, listener) {
    const list = listOf(this._events?.[type]);
    return listener == null ? list.length
      : list.filter((one) => one === listener || one.listener === listener).length;
  },
  eventNames() {
    return this._eventsCount > 0 ? Reflect.ownKeys(this._events) : [];
  },
};
Object.assign(EventEmitter.prototype, methods);

function listen(target, type, listener, options) {
  if (isEventTarget(target)) target.addEventListener(type, listener, options);
  else if (typeof target?.on === 'function') target[options?.once ? 'once' : 'on'](type, listener);
  else throw codes.ERR_INVALID_ARG_TYPE('emitter', 'EventEmitter', target);
}

function unlisten(target, type, listener) {
  if (isEventTarget(target)) target.removeEventListener(type, listener);
  else target.removeListener(type, listener);
}

/** events.once: the arguments of the next event, or the error that came before it. */
async function once(emitter, type, options = {}) {
  const { signal } = options;
  validateAbortSignal(signal, 'options.signal');
  if (signal?.aborted) throw makeAbortError(undefined, { cause: signal.reason });
  return new Promise((resolve, reject) => {
    const done = () => {
      unlisten(emitter, type, onEvent);
      if (watchesErrors) unlisten(emitter, 'error', onError);
      signal?.removeEventListener('abort', onAbort);
    };
    const onEvent = (...args) => { done(); resolve(args); };
    const onError = (error) => { done(); reject(error); };
    const onAbort = () => {
      done();
      reject(makeAbortError(undefined, { cause: signal.reason }));
    };
    const watchesErrors = type !== 'error' && typeof emitter?.once === 'function';
    listen(emitter, type, onEvent, { once: true });
    if (watchesErrors) listen(emitter, 'error', onError, { once: true });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

const AsyncIteratorPrototype = Object.getPrototypeOf(
  Object.getPrototypeOf(async function* () {}).prototype);

/** events.on: an async iterator over the arguments of each event. */
function on(emitter, type, options = {}) {
  const { signal } = options;
  validateAbortSignal(signal, 'options.signal');
  if (signal?.aborted) throw makeAbortError(undefined, { cause: signal.reason });
  const events = [];
  const waiting = [];
  let error = null;
  let finished = false;

  const onEvent = (...args) => {
    if (waiting.length > 0) waiting.shift().resolve({ value: args, done: false });
    else events.push(args);
  };
  const onError = (reason) => {
    if (waiting.length > 0) waiting.shift().reject(reason);
    else error = reason;
    iterator.return();
  };
  const onAbort = () => onError(makeAbortError(undefined, { cause: signal.reason }));
  const closing = [...(options.close ?? []), ...(options.closeEvent ?? [])];
  const onClose = () => { iterator.return(); };

  const iterator = Object.setPrototypeOf({
    next() {
      if (events.length > 0) return Promise.resolve({ value: events.shift(), done: false });
      if (error !== null) {
        const failed = Promise.reject(error);
        error = null;
        return failed;
      }
      if (finished) return Promise.resolve({ value: undefined, done: true });
      return new Promise((resolve, reject) => { waiting.push({ resolve, reject }); });
    },
    return() {
      unlisten(emitter, type, onEvent);
      if (type !== 'error') unlisten(emitter, 'error', onError);
      for (const name of closing) unlisten(emitter, name, onClose);
      signal?.removeEventListener('abort', onAbort);
      finished = true;
      for (const { resolve } of waiting.splice(0)) resolve({ value: undefined, done: true });
      return Promise.resolve({ value: undefined, done: true });
    },
    throw(reason) {
      if (!(reason instanceof Error)) {
        throw codes.ERR_INVALID_ARG_TYPE('EventEmitter.AsyncIterator', 'Error', reason);
      }
      onError(reason);
    },
    [Symbol.asyncIterator]() { return this; },
  }, AsyncIteratorPrototype);

  listen(emitter, type, onEvent);
  if (type !== 'error' && !isEventTarget(emitter)) listen(emitter, 'error', onError);
  for (const name of closing) listen(emitter, name, onClose);
  signal?.addEventListener('abort', onAbort, { once: true });
  return iterator;
}

function addAbortListener(signal, listener) {
  if (signal === undefined) throw codes.ERR_INVALID_ARG_TYPE('signal', 'AbortSignal', signal);
  validateAbortSignal(signal, 'signal');
  validateFunction(listener, 'listener');
  if (signal.aborted) queueMicrotask(() => listener());
  else signal.addEventListener('abort', listener, { once: true });
  return { [Symbol.dispose]: () => signal.removeEventListener('abort', listener) };
}

function setMaxListeners(n = defaultMaxListeners, ...targets) {
  validateNumber(n, 'setMaxListeners', 0);
  if (targets.length === 0) defaultMaxListeners = n;
  for (const target of targets) {
    if (typeof target.setMaxListeners === 'function') target.setMaxListeners(n);
    else if (!isEventTarget(target)) {
      throw codes.ERR_INVALID_ARG_TYPE('eventTargets', ['EventEmitter', 'EventTarget'], target);
    }
  }
}

Object.assign(EventEmitter, {
  addAbortListener,
  once,
  on,
  getEventListeners: (target, type) => (typeof target.listeners === 'function'
    ? target.listeners(type) : require('internal/event_target').listenersOf(target, type)),
  getMaxListeners: (target) => (typeof target.getMaxListeners === 'function'
    ? target.getMaxListeners() : 0),
  EventEmitter,
  usingDomains: false,
  captureRejectionSymbol: kRejection,
});
Object.defineProperty(EventEmitter, 'captureRejections', {
  enumerable: true,
  get: () => EventEmitter.prototype[kCapture],
  set(value) { EventEmitter.prototype[kCapture] = value; },
});
EventEmitter.errorMonitor = kErrorMonitor;
Object.defineProperty(EventEmitter, 'defaultMaxListeners', {
  enumerable: true,
  get: () => defaultMaxListeners,
  set(n) {
    validateNumber(n, 'defaultMaxListeners', 0);
    defaultMaxListeners = n;
  },
});
EventEmitter.setMaxListeners = setMaxListeners;
EventEmitter.init = init;
EventEmitter.listenerCount = (emitter, type) => emitter.listenerCount(type);

module.exports = EventEmitter;
