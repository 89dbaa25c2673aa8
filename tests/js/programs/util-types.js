// util.types, and the deprecated is functions that still work.
const { types, inspect, isArray } = require('util');
function main() {
  const things = { date: new Date(), re: /x/, map: new Map(), set: new Set(), promise: Promise.resolve(), err: new Error(), u8: new Uint8Array(), buf: Buffer.alloc(1), ab: new ArrayBuffer(1), gen: (function* () {})(), proxy: new Proxy({}, {}), async: async () => {}, weak: new WeakMap(), boxed: Object('s'), view: new DataView(new ArrayBuffer(1)), args: (function () { return arguments; })() };
  const tests = ['isDate', 'isRegExp', 'isMap', 'isSet', 'isPromise', 'isNativeError', 'isTypedArray', 'isUint8Array', 'isAnyArrayBuffer', 'isGeneratorObject', 'isProxy', 'isAsyncFunction', 'isWeakMap', 'isBoxedPrimitive', 'isStringObject', 'isArrayBufferView', 'isArgumentsObject'];
  return { ...Object.fromEntries(Object.entries(things).map(([k, v]) => [k, tests.filter((t) => types[t](v))])), arr: isArray([]), custom: String(inspect.custom) };
}
