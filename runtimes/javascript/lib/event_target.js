// Event, CustomEvent, EventTarget, AbortController and AbortSignal.
//
// There is no tree of targets: an event only visits the target it was dispatched to.
'use strict';

const { codes, makeError, validateInteger } = require('internal/errors');
const { inspect } = require('internal/inspect');

const customInspect = Symbol.for('nodejs.util.inspect.custom');

/** `Name { field: value, ... }`, the way Node shows the objects of the web platform. */
function inspectAs(name, fields, depth, options) {
  if (depth < 0) return name;
  const inner = { ...options, depth: options.depth == null ? null : options.depth - 1 };
  return `${name} ${inspect(fields, inner)}`;
}

function tag(Class, name = Class.name) {
  Object.defineProperty(Class.prototype, Symbol.toStringTag, {
    value: name, writable: false, enumerable: false, configurable: true,
  });
}

/** Makes the named accessors and methods of a class enumerable, as Web IDL has them. */
function makeEnumerable(Class, ...names) {
  for (const name of names) {
    Object.defineProperty(Class.prototype, name, { enumerable: true });
  }
}

class Event {
  #type;
  #bubbles;
  #cancelable;
  #composed;
  #defaultPrevented = false;
  #timeStamp = require('perf_hooks').performance.now();
  #stopped = false;
  #propagates = true;
  #target = null;
  #dispatched = false;

  constructor(type, options) {
    if (arguments.length === 0) throw codes.ERR_MISSING_ARGS('type');
    if (options != null && typeof options !== 'object') {
      throw codes.ERR_INVALID_ARG_TYPE('options', 'Object', options);
    }
    this.#type = `${type}`;
    this.#bubbles = Boolean(options?.bubbles);
    this.#cancelable = Boolean(options?.cancelable);
    this.#composed = Boolean(options?.composed);
  }

  [customInspect](depth, options) {
    return inspectAs(this.constructor.name, {
      type: this.#type,
      defaultPrevented: this.#defaultPrevented,
      cancelable: this.#cancelable,
      timeStamp: this.#timeStamp,
    }, depth, options);
  }

  get type() { return this.#type; }
  get target() { return this.#target; }
  get currentTarget() { return this.#dispatched ? this.#target : null; }
  get srcElement() { return this.#target; }
  get bubbles() { return this.#bubbles; }
  get cancelable() { return this.#cancelable; }
  get composed() { return this.#composed; }
  get defaultPrevented() { return this.#cancelable && this.#defaultPrevented; }
  get returnValue() { return !this.defaultPrevented; }
  get timeStamp() { return this.#timeStamp; }
  get eventPhase() { return this.#dispatched ? Event.AT_TARGET : Event.NONE; }
  get isTrusted() { return false; }
  get cancelBubble() { return !this.#propagates; }
  set cancelBubble(value) { if (value) this.#propagates = false; }

  composedPath() { return this.#dispatched ? [this.#target] : []; }
  preventDefault() { this.#defaultPrevented = true; }
  stopPropagation() { this.#propagates = false; }
  stopImmediatePropagation() { this.#stopped = true; }

  static isDispatched(event) { return event.#dispatched; }
  static isStopped(event) { return event.#stopped; }
  static enter(event, target) {
    event.#target = target;
    event.#dispatched = true;
  }
  static leave(event) { event.#dispatched = false; }
}
const { isDispatched, isStopped, enter, leave } = Event;
for (const name of ['isDispatched', 'isStopped', 'enter', 'leave']) delete Event[name];
['NONE', 'CAPTURING_PHASE', 'AT_TARGET', 'BUBBLING_PHASE'].forEach((name, value) => {
  const constant = { value, enumerable: true };
  Object.defineProperty(Event, name, constant);
  Object.defineProperty(Event.prototype, name, constant);
});
tag(Event);
makeEnumerable(Event, 'type', 'target', 'currentTarget', 'bubbles', 'cancelable', 'composed',
  'defaultPrevented', 'timeStamp', 'composedPath', 'preventDefault', 'stopPropagation',
  'stopImmediatePropagation', 'cancelBubble', 'eventPhase', 'returnValue', 'srcElement');

class CustomEvent extends Event {
  #detail;

  constructor(type, options) {
    super(...arguments);
    this.#detail = options?.detail ?? null;
  }

  get detail() { return this.#detail; }
}
tag(CustomEvent);
makeEnumerable(CustomEvent, 'detail');

function requireEvent(event) {
  if (!(event instanceof Event)) throw codes.ERR_INVALID_ARG_TYPE('event', 'Event', event);
}

/** An error of a listener does not reach who dispatched: it ends the run like an uncaught one. */
function reportError(error) {
  globalThis.setTimeout(() => { throw error; }, 0);
}

class EventTarget {
  #listeners = new Map();

  addEventListener(type, listener, options) {
    if (arguments.length < 2) throw codes.ERR_MISSING_ARGS('type', 'listener');
    if (listener == null) return;
    if (typeof listener !== 'function' && typeof listener !== 'object') {
      throw codes.ERR_INVALID_ARG_TYPE('listener', 'EventListener', listener);
    }
    const settings = typeof options === 'boolean' ? { capture: options } : options ?? {};
    if (settings.signal?.aborted) return;
    const key = `${type}`;
    const capture = Boolean(settings.capture);
    const list = this.#listeners.get(key) ?? [];
    if (list.some((one) => one.listener === listener && one.capture === capture)) return;
    const record = { listener, capture, once: Boolean(settings.once), removed: false };
    this.#listeners.set(key, [...list, record]);
    settings.signal?.addEventListener('abort',
      () => this.removeEventListener(key, listener, { capture }), { once: true });
  }

  removeEventListener(type, listener, options) {
    if (arguments.length < 2) throw codes.ERR_MISSING_ARGS('type', 'listener');
    const key = `${type}`;
    const capture = Boolean(typeof options === 'boolean' ? options : options?.capture);
    const list = this.#listeners.get(key) ?? [];
    const record = list.find((one) => one.listener === listener && one.capture === capture);
    if (record === undefined) return;
    record.removed = true;
    this.#listeners.set(key, list.filter((one) => one !== record));
  }

  dispatchEvent(event) {
    requireEvent(event);
    if (isDispatched(event)) throw codes.ERR_EVENT_RECURSION(event.type);
    enter(event, this);
    try {
      for (const record of this.#listeners.get(event.type) ?? []) {
        if (record.removed) continue;
        if (record.once) {
          this.removeEventListener(event.type, record.listener, { capture: record.capture });
        }
        this.#call(record.listener, event);
        if (isStopped(event)) break;
      }
    } finally {
      leave(event);
    }
    return !event.defaultPrevented;
  }

  #call(listener, event) {
    try {
      const result = typeof listener === 'function'
        ? listener.call(this, event) : listener.handleEvent?.(event);
      if (typeof result?.then === 'function') result.then(undefined, reportError);
    } catch (error) {
      reportError(error);
    }
  }

  [customInspect](depth, options) {
    return inspectAs(this.constructor.name, {}, depth, options);
  }

  static listenersOf(target, type) {
    return (target.#listeners.get(type) ?? []).map((record) => record.listener);
  }
}
const { listenersOf } = EventTarget;
delete EventTarget.listenersOf;
tag(EventTarget);
makeEnumerable(EventTarget, 'addEventListener', 'removeEventListener', 'dispatchEvent');

/** The attribute `on<type>` of a target, which is a listener among the others. */
function defineHandler(Class, type) {
  const handlers = new WeakMap();
  Object.defineProperty(Class.prototype, `on${type}`, {
    configurable: true,
    enumerable: true,
    get() { return handlers.get(this)?.handler ?? null; },
    set(handler) {
      const known = handlers.get(this);
      if (known !== undefined) {
        known.handler = typeof handler === 'function' ? handler : null;
        return;
      }
      const record = { handler: typeof handler === 'function' ? handler : null };
      handlers.set(this, record);
      this.addEventListener(type, (event) => record.handler?.call(this, event));
    },
  });
}

const unlock = Symbol('unlock');

function requireSignal(value, name) {
  if (!(value instanceof AbortSignal)) throw codes.ERR_INVALID_ARG_TYPE(name, 'AbortSignal', value);
}

class AbortSignal extends EventTarget {
  #aborted = false;
  #reason;
  #dependants = new Set();

  constructor(key) {
    if (key !== unlock) {
      throw makeError(TypeError, 'ERR_ILLEGAL_CONSTRUCTOR', 'Illegal constructor');
    }
    super();
  }

  get aborted() { return this.#aborted; }
  get reason() { return this.#reason; }

  throwIfAborted() {
    if (this.#aborted) throw this.#reason;
  }

  [customInspect](depth, options) {
    return inspectAs('AbortSignal', { aborted: this.#aborted }, depth, options);
  }

  static abort(reason = new DOMException('This operation was aborted', 'AbortError')) {
    const signal = new AbortSignal(unlock);
    signal.#aborted = true;
    signal.#reason = reason;
    return signal;
  }

  static timeout(delay) {
    validateInteger(delay, 'delay', 0, 2 ** 32 - 1);
    const signal = new AbortSignal(unlock);
    const timer = globalThis.setTimeout(() => trigger(signal,
      new DOMException('The operation was aborted due to timeout', 'TimeoutError')), delay);
    timer?.unref?.();
    return signal;
  }

  static any(signals) {
    if (signals == null || typeof signals[Symbol.iterator] !== 'function') {
      throw codes.ERR_INVALID_ARG_TYPE('signals', 'Array', signals);
    }
    const result = new AbortSignal(unlock);
    const sources = Array.from(signals);
    sources.forEach((source, i) => requireSignal(source, `signals[${i}]`));
    const aborted = sources.find((source) => source.aborted);
    if (aborted !== undefined) {
      result.#aborted = true;
      result.#reason = aborted.reason;
      return result;
    }
    for (const source of sources) source.#dependants.add(result);
    return result;
  }

  static trigger(signal, reason) {
    if (signal.#aborted) return;
    signal.#aborted = true;
    signal.#reason = reason;
    signal.dispatchEvent(new Event('abort'));
    for (const dependant of signal.#dependants) trigger(dependant, reason);
    signal.#dependants.clear();
  }
}
const { trigger } = AbortSignal;
delete AbortSignal.trigger;
tag(AbortSignal);
makeEnumerable(AbortSignal, 'aborted');
defineHandler(AbortSignal, 'abort');

class AbortController {
  #signal = new AbortSignal(unlock);

  get signal() { return this.#signal; }

  abort(reason = new DOMException('This operation was aborted', 'AbortError')) {
    trigger(this.#signal, reason);
  }

  [customInspect](depth, options) {
    return inspectAs('AbortController', { signal: this.#signal }, depth, options);
  }
}
tag(AbortController);
makeEnumerable(AbortController, 'signal', 'abort');

module.exports = {
  Event, CustomEvent, EventTarget, AbortController, AbortSignal, listenersOf, inspectAs, tag,
  makeEnumerable,
};
