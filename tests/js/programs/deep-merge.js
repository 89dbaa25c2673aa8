// Deep merge of configurations; lists replace or join; no pollution.
const plain = (v) => v !== null && typeof v === 'object' && [Object.prototype, null].includes(Object.getPrototypeOf(v));
function merge(a, b, { lists = 'replace' } = {}) {
  const out = { ...a };
  for (const [k, v] of Object.entries(b)) {
    if (k === '__proto__') continue;
    out[k] = plain(v) && plain(a[k]) ? merge(a[k], v, { lists }) : Array.isArray(v) && Array.isArray(a[k]) && lists === 'join' ? [...a[k], ...v] : v;
  }
  return out;
}
function main() {
  const base = { db: { host: 'localhost', port: 5432, tags: ['a'] }, debug: false, when: new Date(0) };
  const over = JSON.parse('{"db":{"port":6543,"tags":["b"],"ssl":{"on":true}},"debug":null,"__proto__":{"polluted":1}}');
  return { replace: merge(base, over), join: merge(base, over, { lists: 'join' }).db.tags, base: base.db.port, clean: {}.polluted === undefined };
}
