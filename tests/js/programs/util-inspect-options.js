// util.inspect with its options.
const { inspect } = require('util');
function main() {
  const o = { b: { c: { d: { e: 1 } } }, a: [1, 2, 3, 4, 5], s: 'text', [Symbol('z')]: 1, get g() { return { v: 1 }; } };
  for (const opt of [{}, { depth: 0 }, { depth: null }, { compact: false }, { compact: 1 }, { breakLength: 20 }, { breakLength: Infinity, depth: 5 }, { sorted: true }, { getters: true }, { showHidden: true, depth: 0 }, { maxArrayLength: 2 }, { maxStringLength: 2 }, { colors: true, depth: 0 }]) console.log(inspect(o, opt));
  console.log(inspect('str'), inspect(new Map([['a', { b: { c: {} } }]]), { depth: 0 }), inspect([1, [2, [3]]], false, 0));
  console.log(inspect(123456789.123, { numericSeparator: true }), inspect(new Proxy({ a: 1 }, {}), { showProxy: true }));
  return { text: inspect({ a: 1n, b: undefined }), quote: inspect("it's") };
}
