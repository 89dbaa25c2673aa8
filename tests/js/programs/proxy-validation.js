// A proxy that checks what is written, and one with defaults and negative indices.
function main() {
  const schema = { age: (v) => Number.isInteger(v) && v >= 0, name: (v) => typeof v === 'string' };
  const checked = new Proxy({}, {
    set(t, k, v) { if (!schema[k]?.(v)) throw new TypeError(`bad ${String(k)}: ${JSON.stringify(v)}`); t[k] = v; return true; },
    deleteProperty() { return false; },
    has: (t, k) => k in schema,
  });
  checked.age = 30;
  const errors = [['age', -1], ['name', 5], ['x', 1]].map(([k, v]) => { try { checked[k] = v; } catch (e) { return e.message; } });
  const list = new Proxy([1, 2, 3], { get: (t, k, r) => (typeof k === 'string' && /^-\d+$/.test(k) ? t[t.length + +k] : Reflect.get(t, k, r)) });
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  let revoked;
  try { proxy.x; } catch (e) { revoked = e.name; }
  return { checked, errors, del: delete checked.age, has: ['name' in checked, 'zip' in checked], last: list[-1], sum: list.reduce((a, b) => a + b), revoked };
}
