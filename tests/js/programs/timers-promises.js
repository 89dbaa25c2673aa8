// timers/promises and promisified setTimeout.
const { setTimeout: delay, setImmediate: soon } = require('timers/promises');
const { promisify } = require('node:util');
async function main() {
  const start = Date.now();
  const a = await delay(5, 'value');
  const b = await soon('now');
  const c = await promisify(setTimeout)(1, 'promisified');
  const ac = new AbortController();
  const p = delay(1000, null, { signal: ac.signal }).catch((e) => [e.name, e.code]);
  ac.abort();
  return { a, b, c, aborted: await p, waited: Date.now() - start >= 5 };
}
