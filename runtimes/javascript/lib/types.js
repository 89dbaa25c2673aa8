// util.types: what kind of built-in object a value is, whatever its prototype or tag says.
//
// Object.prototype.toString settles most cases without raising an exception; only an object
// whose tag or prototype was changed is asked by calling a method that needs the internal slot.
// Left out: isExternal, isKeyObject and isCryptoKey are always false.
'use strict';

const toString = Object.prototype.toString;
const tagOf = (value) => toString.call(value).slice(8, -1);
const isObject = (value) => value !== null && typeof value === 'object';

/** Whether `call(value)` returns instead of throwing. */
function succeeds(call, value) {
  try {
    call(value);
    return true;
  } catch {
    return false;
  }
}

const getter = (proto, key) => {
  const { get } = Object.getOwnPropertyDescriptor(proto, key);
  return (value) => get.call(value);
};
const method = (proto, key, ...args) => {
  const fn = proto[key];
  return (value) => fn.call(value, ...args);
};

const probe = {};
const slots = {
  Map: getter(Map.prototype, 'size'),
  Set: getter(Set.prototype, 'size'),
  WeakMap: method(WeakMap.prototype, 'has', probe),
  WeakSet: method(WeakSet.prototype, 'has', probe),
  Date: method(Date.prototype, 'getTime'),
  RegExp: getter(RegExp.prototype, 'source'),
  ArrayBuffer: getter(ArrayBuffer.prototype, 'byteLength'),
  SharedArrayBuffer: getter(SharedArrayBuffer.prototype, 'byteLength'),
  DataView: getter(DataView.prototype, 'byteLength'),
  Number: method(Number.prototype, 'valueOf'),
  String: method(String.prototype, 'valueOf'),
  Boolean: method(Boolean.prototype, 'valueOf'),
  BigInt: method(BigInt.prototype, 'valueOf'),
  Symbol: method(Symbol.prototype, 'valueOf'),
};

const isProxy = (value) => value !== null
  && (typeof value === 'object' || typeof value === 'function')
  && host.proxyDetails(value) !== undefined;

/** Tags that the specification gives by internal slot, not by Symbol.toStringTag. */
const builtinTags = new Set([
  'Date', 'RegExp', 'Error', 'Boolean', 'Number', 'String', 'Arguments', 'Array', 'Function',
]);

const slotTags = new Set([
  'Map', 'Set', 'WeakMap', 'WeakSet', 'ArrayBuffer', 'SharedArrayBuffer', 'DataView', 'BigInt',
  'Symbol', 'Promise', 'Map Iterator', 'Set Iterator', 'Generator', 'URL', 'URLSearchParams',
]);

function hasSlot(name, value) {
  if (!isObject(value) || isProxy(value)) return false;
  const tag = value[Symbol.toStringTag];
  if (value instanceof Object) {
    if (typeof tag !== 'string') return builtinTags.has(name) && tagOf(value) === name;
    if (tag !== name && slotTags.has(tag)) return false;
  }
  return succeeds(slots[name], value);
}

const slotTest = (name) => (value) => hasSlot(name, value);

function isPromise(value) {
  if (!isObject(value) || isProxy(value)) return false;
  if (tagOf(value) !== 'Promise' && !(value instanceof Promise)) return false;
  return host.promiseState(value)?.[0] >= 0;
}

const typedArrayTag = getter(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag);
const isTypedArray = (value) => isObject(value) && typedArrayTag(value) !== undefined;
const typedArrayTest = (name) => (value) => isObject(value) && typedArrayTag(value) === name;

const isFunctionOf = (pattern) => (value) => typeof value === 'function' && !isProxy(value)
  && pattern.test(tagOf(value));
const isIteratorOf = (tag) => (value) => isObject(value) && tagOf(value).includes(tag)
  && host.previewIterator(value) !== undefined;

const isArrayBuffer = slotTest('ArrayBuffer');
const isSharedArrayBuffer = slotTest('SharedArrayBuffer');
const boxes = ['Number', 'String', 'Boolean', 'BigInt', 'Symbol'];
const isNativeError = (value) => isObject(value) && !isProxy(value) && Error.isError(value);

const types = {
  isExternal: () => false,
  isDate: slotTest('Date'),
  isArgumentsObject: (value) => isObject(value) && !isProxy(value)
    && typeof value[Symbol.toStringTag] !== 'string' && tagOf(value) === 'Arguments',
  isBigIntObject: slotTest('BigInt'),
  isBooleanObject: slotTest('Boolean'),
  isNumberObject: slotTest('Number'),
  isStringObject: slotTest('String'),
  isSymbolObject: slotTest('Symbol'),
  isNativeError,
  isRegExp: slotTest('RegExp'),
  isAsyncFunction: isFunctionOf(/^Async/),
  isGeneratorFunction: isFunctionOf(/GeneratorFunction$/),
  isGeneratorObject: (value) => isObject(value) && /^(Async)?Generator$/.test(tagOf(value)),
  isPromise,
  isMap: slotTest('Map'),
  isSet: slotTest('Set'),
  isMapIterator: isIteratorOf('Map Iterator'),
  isSetIterator: isIteratorOf('Set Iterator'),
  isWeakMap: slotTest('WeakMap'),
  isWeakSet: slotTest('WeakSet'),
  isArrayBuffer,
  isDataView: slotTest('DataView'),
  isSharedArrayBuffer,
  isProxy,
  isModuleNamespaceObject: (value) => isObject(value) && !isProxy(value)
    && Object.getPrototypeOf(value) === null && Object.hasOwn(value, Symbol.toStringTag)
    && value[Symbol.toStringTag] === 'Module' && !Object.isExtensible(value),
  isAnyArrayBuffer: (value) => isArrayBuffer(value) || isSharedArrayBuffer(value),
  isBoxedPrimitive: (value) => boxes.some((name) => hasSlot(name, value)),
  isArrayBufferView: (value) => ArrayBuffer.isView(value),
  isTypedArray,
  isUint8Array: typedArrayTest('Uint8Array'),
  isUint8ClampedArray: typedArrayTest('Uint8ClampedArray'),
  isUint16Array: typedArrayTest('Uint16Array'),
  isUint32Array: typedArrayTest('Uint32Array'),
  isInt8Array: typedArrayTest('Int8Array'),
  isInt16Array: typedArrayTest('Int16Array'),
  isInt32Array: typedArrayTest('Int32Array'),
  isFloat32Array: typedArrayTest('Float32Array'),
  isFloat64Array: typedArrayTest('Float64Array'),
  isBigInt64Array: typedArrayTest('BigInt64Array'),
  isBigUint64Array: typedArrayTest('BigUint64Array'),
  isKeyObject: () => false,
  isCryptoKey: () => false,
};

for (const name of Object.keys(types)) {
  Object.defineProperty(types[name], 'name', { value: name });
}

const isError = (value) => isNativeError(value) || value instanceof Error;

/** The class a value was made by, as far as internal slots tell: for objects without prototype. */
function brandOf(value) {
  if (typeof value === 'function') return 'Function';
  if (Array.isArray(value)) return 'Array';
  if (isTypedArray(value)) return typedArrayTag(value);
  if (isNativeError(value)) return 'Error';
  const name = Object.keys(slots).find((one) => hasSlot(one, value));
  return name ?? (isPromise(value) ? 'Promise' : 'Object');
}

exports.types = types;
Object.assign(exports, types, { isError, brandOf });
