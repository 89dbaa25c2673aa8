// Sums of money in cents, splitting without losing one, and formatting.
const format = (cents, symbol = '$') => `${cents < 0 ? '-' : ''}${symbol}${Math.floor(Math.abs(cents) / 100).toLocaleString()}.${String(Math.abs(cents) % 100).padStart(2, '0')}`;
const split = (total, n) => Array.from({ length: n }, (_, i) => Math.floor(total / n) + (i < total % n ? 1 : 0));
const bankers = (x) => { const f = Math.floor(x), d = x - f; return d < 0.5 ? f : d > 0.5 ? f + 1 : f % 2 ? f + 1 : f; };
function main() {
  const items = [[1999, 3], [50, 7], [123456789, 1]];
  const net = items.reduce((s, [p, n]) => s + p * n, 0);
  return { net: format(net), tax: format(bankers(net * 0.19)), split: split(1000, 3).map((c) => format(c)), neg: format(-1234567), bankers: [0.5, 1.5, 2.5, -0.5].map(bankers).map((x) => x + 0), wrong: 0.1 * 3, sum: [0.1, 0.2, 0.3].reduce((a, b) => a + b) };
}
