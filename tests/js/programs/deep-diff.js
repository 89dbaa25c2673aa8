// The difference of two objects as a list of changes.
function* diff(a, b, path = '') {
  if (Object.is(a, b)) return;
  const both = [a, b].every((x) => x && typeof x === 'object') && Array.isArray(a) === Array.isArray(b);
  if (!both) { yield { path: path || '/', from: a, to: b }; return; }
  for (const k of new Set([...Object.keys(a), ...Object.keys(b)])) {
    if (!(k in b)) yield { path: `${path}/${k}`, removed: a[k] }; else if (!(k in a)) yield { path: `${path}/${k}`, added: b[k] }; else yield* diff(a[k], b[k], `${path}/${k}`);
  }
}
function main() {
  return { changes: [...diff({ a: 1, b: { c: [1, 2, 3], d: 'x' }, e: NaN, gone: true }, { a: 2, b: { c: [1, 5], d: 'x', n: null }, e: NaN })], none: [...diff([1], [1])], root: [...diff(1, { a: 1 })] };
}
