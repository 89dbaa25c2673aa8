// Simple, weighted and exponential moving averages.
// args: {"values": [10, 12, 11, 15, 14, 18, 20, 19], "window": 3}
function* windows(xs, n) { for (let i = n; i <= xs.length; i++) yield xs.slice(i - n, i); }
function main({ values, window: n }) {
  const round = (x) => Math.round(x * 1000) / 1000;
  const sma = [...windows(values, n)].map((w) => round(w.reduce((a, b) => a + b) / n));
  const wma = [...windows(values, n)].map((w) => round(w.reduce((s, x, i) => s + x * (i + 1), 0) / ((n * (n + 1)) / 2)));
  const ema = values.reduce((out, x) => [...out, out.length ? out.at(-1) + (x - out.at(-1)) * (2 / (n + 1)) : x], []).map(round);
  return { sma, wma, ema };
}
