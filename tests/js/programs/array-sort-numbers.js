// Sorting numbers, typed arrays and strings with digits.
function main() {
  const natural = (a, b) => a.split(/(\d+)/).reduce((r, p, i) => r || (i % 2 ? p - b.split(/(\d+)/)[i] : p.localeCompare(b.split(/(\d+)/)[i] ?? '')), 0);
  const random = (seed) => () => (seed = (seed * 1103515245 + 12345) % 2147483648);
  const next = random(42);
  const big = Array.from({ length: 200 }, () => next() % 1000).sort((a, b) => a - b);
  return {
    text: [10, 9, 100, 1].sort(), numeric: [10, 9, 100, 1].sort((a, b) => a - b), typed: [...new Float64Array([3, -0, 0, NaN, -1]).sort()].map((x) => (Object.is(x, -0) ? '-0' : String(x))),
    natural: ['file10', 'file9', 'file1'].sort(natural), ordered: big.every((v, i) => !i || big[i - 1] <= v), ends: [big[0], big.at(-1)], desc: ['b', 'a'].sort().reverse(),
  };
}
