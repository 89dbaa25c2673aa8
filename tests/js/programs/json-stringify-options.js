// JSON.stringify with replacer, list of keys, indent and toJSON.
function main() {
  const o = { z: 1, a: [1, { b: 2, c: undefined }], password: 'x', when: new Date(0), n: null, f: () => 1 };
  console.log(JSON.stringify(o, null, 2));
  console.log(JSON.stringify(o, (k, v) => (k === 'password' ? '***' : v), '--'));
  return {
    keys: JSON.stringify(o, ['a', 'b', 'z']), sorted: JSON.stringify(o, Object.keys(o).sort()), big: JSON.stringify({ n: 1n }, (k, v) => (typeof v === 'bigint' ? `${v}` : v)), tops: [JSON.stringify(undefined) === undefined, JSON.stringify('s'), JSON.stringify(NaN), JSON.stringify(null)],
    indent: JSON.stringify([[], {}, [1]], null, 20).split('\n')[1].length, map: JSON.stringify([...new Map([['k', 1]])]), nums: JSON.stringify([-0, 1e21, 1e-7, 0.1 + 0.2, 2 ** 53]), lone: JSON.stringify('\ud800 \u2028 \u007f \u0001'),
  };
}
