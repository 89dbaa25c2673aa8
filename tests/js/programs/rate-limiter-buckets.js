// A token bucket with a clock that is handed in.
class Bucket {
  constructor({ size, perSecond, clock }) { Object.assign(this, { size, perSecond, clock, tokens: size, last: clock() }); }
  take(n = 1) { const now = this.clock(); this.tokens = Math.min(this.size, this.tokens + ((now - this.last) / 1000) * this.perSecond); this.last = now; if (this.tokens < n) return { ok: false, retryAfterMs: Math.ceil(((n - this.tokens) / this.perSecond) * 1000) }; this.tokens -= n; return { ok: true, left: Math.floor(this.tokens) }; }
}
function main() {
  let now = 0;
  const b = new Bucket({ size: 3, perSecond: 2, clock: () => now });
  const out = [];
  for (const [at, n] of [[0, 1], [0, 1], [0, 1], [0, 1], [500, 1], [600, 1], [5000, 3], [5000, 1]]) { now = at; out.push([at, b.take(n)]); }
  return { out };
}
