// Mean, median, quantiles, deviation, mode and a histogram as text.
// args: {"xs": [2, 4, 4, 4, 5, 5, 7, 9, 12.5]}
function main({ xs }) {
  const s = xs.toSorted((a, b) => a - b);
  const q = (p) => { const i = (s.length - 1) * p, lo = Math.floor(i); return s[lo] + ((s[lo + 1] ?? s[lo]) - s[lo]) * (i - lo); };
  const mean = xs.reduce((a, b) => a + b) / xs.length;
  const sd = Math.sqrt(xs.reduce((a, x) => a + (x - mean) ** 2, 0) / (xs.length - 1));
  const counts = xs.reduce((m, x) => m.set(x, (m.get(x) ?? 0) + 1), new Map());
  for (const [x, n] of [...counts].sort(([a], [b]) => a - b)) console.log(`${String(x).padStart(5)} ${'#'.repeat(n)}`);
  return { mean: mean.toFixed(4), median: q(0.5), quartiles: [q(0.25), q(0.75)], sd: sd.toPrecision(6), mode: [...counts].sort((a, b) => b[1] - a[1])[0][0] };
}
