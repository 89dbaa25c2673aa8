// What the operators make of mixed types.
function main() {
  const v = { a: [] + {}, b: [] + [], c: 1 + '2', d: '3' * '4', e: true + 1, f: null + 1, g: undefined + 1, h: [2] * [3], i: '5' - 2, j: +[], k: +{}, l: 1 < 2 < 3, m: 3 > 2 > 1, n: '2' > '12', o: null >= 0, p: undefined == null };
  const eq = [['', 0], ['0', false], [null, 0], [[], false], [[1], 1], [NaN, NaN], ['a', ['a']], [1n, 1], [2n, '2'], [Symbol.iterator, 'x']].map(([a, b]) => a == b);
  const types = [null, undefined, 1, 1n, 's', Symbol(), {}, [], () => {}, class {}, /x/, new Date(0)].map((x) => typeof x);
  return { ...Object.fromEntries(Object.entries(v).map(([k, x]) => [k, String(x)])), eq, types, truthy: [0, '', '0', [], {}, NaN, -0, 0n].map(Boolean) };
}
