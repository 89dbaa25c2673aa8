// Iterators of one's own: closing by break, destructuring and spread.
class Countdown {
  constructor(from) { this.from = from; this.closed = 0; }
  [Symbol.iterator]() {
    let n = this.from;
    return {
      next: () => (n > 0 ? { value: n--, done: false } : { value: undefined, done: true }),
      return: () => { this.closed++; return { done: true }; },
    };
  }
}
function main() {
  const c = new Countdown(5);
  for (const n of c) if (n < 4) break;
  const [a, b] = c;
  const [...rest] = c;
  try { for (const n of c) throw new Error('stop'); } catch { /* closed */ }
  return { a, b, rest, closed: c.closed, max: Math.max(...c), map: [...new Map(Array.from(c, (n) => [n, n * n]))] };
}
