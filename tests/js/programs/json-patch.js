// JSON Patch (RFC 6902): the operations and their failures.
const parts = (p) => p.split('/').slice(1).map((s) => s.replaceAll('~1', '/').replaceAll('~0', '~'));
function at(doc, path) { return parts(path).reduce((o, k) => { if (o === null || typeof o !== 'object' || !(k in o)) throw new Error(`nothing at ${path}`); return o[k]; }, doc); }
function apply(doc, ops) {
  const d = structuredClone(doc);
  for (const { op, path, value, from } of ops) {
    const keys = parts(path), key = keys.pop(), parent = at(d, ['', ...keys.map((k) => k.replaceAll('~', '~0').replaceAll('/', '~1'))].join('/'));
    const put = (v) => { if (Array.isArray(parent)) parent.splice(key === '-' ? parent.length : +key, 0, v); else parent[key] = v; };
    const drop = () => { const v = at(d, path); if (Array.isArray(parent)) parent.splice(+key, 1); else delete parent[key]; return v; };
    if (op === 'add') put(structuredClone(value)); else if (op === 'remove') drop(); else if (op === 'replace') { drop(); put(value); } else if (op === 'copy') put(structuredClone(at(d, from)));
    else if (op === 'test') { if (JSON.stringify(at(d, path)) !== JSON.stringify(value)) throw new Error(`test of ${path} failed`); } else throw new Error(`unknown op ${op}`);
  }
  return d;
}
function main() {
  const doc = { a: { b: [1, 2, 3] }, 'x/y': 1 };
  const attempt = (ops) => { try { return apply(doc, ops); } catch (e) { return e.message; } };
  return { good: attempt([{ op: 'add', path: '/a/b/1', value: 9 }, { op: 'remove', path: '/x~1y' }, { op: 'replace', path: '/a/b/0', value: 0 }, { op: 'add', path: '/a/b/-', value: { n: 1 } }, { op: 'copy', from: '/a/b', path: '/c' }, { op: 'test', path: '/c/0', value: 0 }]), bad: [attempt([{ op: 'remove', path: '/nope' }]), attempt([{ op: 'test', path: '/a', value: 1 }]), attempt([{ op: 'fly', path: '/a' }])], doc };
}
