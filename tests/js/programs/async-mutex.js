// A mutex of promises keeps sections apart.
class Mutex {
  #last = Promise.resolve();
  run(f) { const r = this.#last.then(f); this.#last = r.catch(() => {}); return r; }
}
async function main() {
  const m = new Mutex();
  let balance = 100;
  const log = [];
  const spend = (n) => m.run(async () => { const seen = balance; await new Promise((r) => setTimeout(r, 2)); if (seen < n) throw new Error(`only ${seen} left`); balance = seen - n; log.push(`-${n}`); });
  const r = await Promise.allSettled([spend(60), spend(60), spend(30)]);
  return { balance, log, states: r.map((x) => x.reason?.message ?? x.status) };
}
