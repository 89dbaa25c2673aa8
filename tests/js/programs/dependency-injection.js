// A container that makes services lazily and finds circles.
class Container {
  #makers = new Map(); #made = new Map(); #busy = [];
  register(name, f) { this.#makers.set(name, f); return this; }
  get(name) {
    if (this.#made.has(name)) return this.#made.get(name);
    if (this.#busy.includes(name)) throw new Error(`circle: ${[...this.#busy, name].join(' > ')}`);
    const make = this.#makers.get(name);
    if (!make) throw new Error(`nobody makes ${name}`);
    this.#busy.push(name);
    try { const v = make(new Proxy({}, { get: (_, k) => this.get(k) })); this.#made.set(name, v); return v; } finally { this.#busy.pop(); }
  }
}
function main() {
  const log = [];
  const c = new Container().register('config', () => { log.push('config'); return { level: 'info' }; }).register('logger', ({ config }) => { log.push('logger'); return (t) => `[${config.level}] ${t}`; }).register('app', ({ logger, config }) => ({ start: () => logger(`up with ${Object.keys(config)}`) })).register('x', ({ y }) => y).register('y', ({ x }) => x).register('z', ({ gone }) => gone);
  const err = (n) => { try { c.get(n); } catch (e) { return e.message; } };
  return { start: c.get('app').start(), again: c.get('app') === c.get('app'), log, circle: err('x'), gone: err('z') };
}
