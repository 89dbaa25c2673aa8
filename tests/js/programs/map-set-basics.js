// Map and Set: order, keys of every kind, same value zero.
function main() {
  const m = new Map([[NaN, 'nan'], [0, 'zero'], ['0', 'text']]);
  const k = {};
  m.set(k, 'object').set(-0, 'minus').delete('0');
  m.set('0', 'again');
  const a = new Set([1, 2, 3, 4]);
  const b = new Set([3, 4, 5]);
  const seen = [];
  const grow = new Set([1]);
  for (const v of grow) { seen.push(v); if (v < 4) grow.add(v + 1); }
  console.log(m, a);
  return {
    nan: m.get(NaN), zero: m.get(0), values: [...m.values()], size: m.size, union: [...new Set([...a, ...b])],
    both: [...a].filter((x) => b.has(x)), diff: [...a].filter((x) => !b.has(x)), seen, unique: [...new Set('mississippi')].join(''),
  };
}
