// structuredClone: a deep copy of everything that the algorithm of HTML can copy.
'use strict';

const { makeError } = require('internal/errors');
const types = require('internal/types');

const errorNames = ['EvalError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'URIError'];

function cannotClone(value) {
  let shown = '#<Object>';
  if (typeof value === 'symbol' || typeof value === 'function') shown = String(value);
  else if (types.isSymbolObject(value) || types.isGeneratorObject(value)) {
    shown = Object.prototype.toString.call(value);
  } else if (types.isPromise(value)) shown = '#<Promise>';
  else if (value.constructor?.name) shown = `#<${value.constructor.name}>`;
  throw new DOMException(`${shown} could not be cloned.`, 'DataCloneError');
}

const define = (target, key, value, enumerable = false) => Object.defineProperty(target, key, {
  value, writable: true, enumerable, configurable: true,
});

function cloneError(error, seen) {
  const Class = errorNames.includes(error.name) ? globalThis[error.name] : Error;
  const made = new Class();
  seen.set(error, made);
  const message = Object.getOwnPropertyDescriptor(error, 'message');
  if (message !== undefined && 'value' in message) define(made, 'message', `${message.value}`);
  define(made, 'stack', `${error.stack}`);
  if (Object.hasOwn(error, 'cause')) define(made, 'cause', clone(error.cause, seen));
  return made;
}

function cloneView(view, seen) {
  const buffer = clone(view.buffer, seen);
  const size = view.BYTES_PER_ELEMENT ? view.length : view.byteLength;
  return new globalThis[types.brandOf(view)](buffer, view.byteOffset, size);
}

function cloneMap(map, seen) {
  const copy = new Map();
  seen.set(map, copy);
  for (const [key, value] of Array.from(Map.prototype.entries.call(map))) {
    copy.set(clone(key, seen), clone(value, seen));
  }
  return copy;
}

function cloneSet(set, seen) {
  const copy = new Set();
  seen.set(set, copy);
  for (const value of Array.from(Set.prototype.values.call(set))) copy.add(clone(value, seen));
  return copy;
}

function cloneProperties(value, copy, seen) {
  seen.set(value, copy);
  for (const key of Object.keys(value)) {
    if (Object.hasOwn(value, key)) define(copy, key, clone(value[key], seen), true);
  }
  return copy;
}

/** A copy of what only has data of its own, or undefined where the value is of another kind. */
function cloneLeaf(value) {
  if (types.isDate(value)) return new Date(Date.prototype.getTime.call(value));
  if (types.isRegExp(value)) return new RegExp(value.source, value.flags);
  if (types.isSymbolObject(value)) return cannotClone(value);
  if (types.isBoxedPrimitive(value)) return Object(value.valueOf());
  if (types.isArrayBuffer(value)) return value.slice(0);
  if (types.isSharedArrayBuffer(value)) return value;
  return undefined;
}

function cloneWebObject(value) {
  const { Blob, File } = require('internal/blob');
  if (value instanceof File) {
    const { name, type, lastModified } = value;
    return new File([value], name, { type, lastModified });
  }
  return value instanceof Blob ? value.slice(0, value.size, value.type) : undefined;
}

const uncloneable = [
  types.isPromise, types.isWeakMap, types.isWeakSet, types.isGeneratorObject, types.isProxy,
  types.isArgumentsObject,
  (value) => value instanceof WeakRef || value instanceof FinalizationRegistry,
];

function cloneObject(value, seen) {
  if (Array.isArray(value)) {
    const copy = [];
    copy.length = value.length;
    return cloneProperties(value, copy, seen);
  }
  if (types.isMap(value)) return cloneMap(value, seen);
  if (types.isSet(value)) return cloneSet(value, seen);
  if (types.isNativeError(value)) return cloneError(value, seen);
  if (uncloneable.some((test) => test(value))) return cannotClone(value);
  const copy = ArrayBuffer.isView(value) ? cloneView(value, seen)
    : cloneLeaf(value) ?? cloneWebObject(value);
  if (copy === undefined) return cloneProperties(value, {}, seen);
  seen.set(value, copy);
  return copy;
}

function clone(value, seen) {
  if (typeof value === 'symbol' || typeof value === 'function') return cannotClone(value);
  if (value === null || typeof value !== 'object') return value;
  return seen.get(value) ?? cloneObject(value, seen);
}

/** Copies, then takes the buffers of `transfer` away from their owner. */
function structuredClone(value, options) {
  if (arguments.length === 0) {
    throw makeError(TypeError, 'ERR_MISSING_ARGS', 'The value argument must be specified',
      { plainStack: true });
  }
  const transfer = Array.from(options?.transfer ?? []);
  const seen = new Map();
  for (const buffer of transfer) {
    if (!types.isArrayBuffer(buffer) || buffer.detached) {
      throw new DOMException('Value not transferable', 'DataCloneError');
    }
  }
  const copy = clone(value, seen);
  for (const buffer of transfer) buffer.transfer();
  return copy;
}

module.exports = { structuredClone };
