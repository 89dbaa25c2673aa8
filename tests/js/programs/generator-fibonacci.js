// A generator without end, taken from lazily.
function* fibonacci() {
  let [a, b] = [0n, 1n];
  for (;;) { yield a; [a, b] = [b, a + b]; }
}
function* take(n, it) { let i = 0; for (const v of it) { if (i++ >= n) return; yield v; } }
function* filter(it, f) { for (const v of it) if (f(v)) yield v; }
function main() {
  const even = [...take(6, filter(fibonacci(), (v) => v % 2n === 0n))];
  let big = 0n;
  for (const v of take(101, fibonacci())) big = v;
  return { even: even.map(String), hundredth: big.toString() };
}
