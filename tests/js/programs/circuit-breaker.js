// A circuit breaker with a clock that is handed in.
class Breaker {
  #fails = 0; #openedAt = -Infinity;
  constructor(f, { limit, pause, clock }) { Object.assign(this, { f, limit, pause, clock }); }
  get state() { return this.#fails < this.limit ? 'closed' : this.clock() - this.#openedAt >= this.pause ? 'half open' : 'open'; }
  async call(...a) {
    if (this.state === 'open') throw new Error('circuit is open');
    try { const v = await this.f(...a); this.#fails = 0; return v; } catch (e) { if (++this.#fails >= this.limit) this.#openedAt = this.clock(); throw e; }
  }
}
async function main() {
  let now = 0, down = true;
  const b = new Breaker(async () => { if (down) throw new Error('refused'); return 'fine'; }, { limit: 2, pause: 100, clock: () => now });
  const log = [];
  const go = async (t) => { now = t; const before = b.state; log.push([t, before, await b.call().catch((e) => e.message), b.state]); };
  await go(0); await go(10); await go(20);
  await go(150);
  await go(160);
  down = false;
  await go(300); await go(301);
  return { log };
}
