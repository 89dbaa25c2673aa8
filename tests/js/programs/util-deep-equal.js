// util.isDeepStrictEqual over many pairs.
const { isDeepStrictEqual: eq } = require('util');
function main() {
  const a = { x: 1 }; a.self = a;
  const b = { x: 1 }; b.self = b;
  return [[1, '1'], [NaN, NaN], [0, -0], [[1, [2]], [1, [2]]], [[1, , 3], [1, undefined, 3]], [{ a: 1, b: 2 }, { b: 2, a: 1 }], [{ a: undefined }, {}], [new Set([1, { a: 1 }]), new Set([{ a: 1 }, 1])], [new Map([[{}, 1]]), new Map([[{}, 1]])], [new Date(0), new Date(0)], [/a/g, /a/i], [new Error('x'), new Error('x')], [Object(1), Object(1)], [[], {}], [a, b], [new Uint8Array([1]), new Uint8Array([1])], [Buffer.from('a'), new Uint8Array([97])], [Object.create(null), {}], [Symbol.iterator, Symbol.iterator]].map(([x, y]) => eq(x, y));
}
