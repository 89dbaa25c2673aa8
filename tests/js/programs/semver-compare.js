// Parsing, ordering and ranges of versions.
const parse = (v) => { const m = /^v?(\d+)\.(\d+)\.(\d+)(?:-([\w.-]+))?(?:\+.*)?$/.exec(v); if (!m) throw new TypeError(`bad version: ${v}`); return { n: m.slice(1, 4).map(Number), pre: m[4]?.split('.') ?? [] }; };
function compare(a, b) {
  const [x, y] = [parse(a), parse(b)];
  for (let i = 0; i < 3; i++) if (x.n[i] !== y.n[i]) return x.n[i] - y.n[i];
  if (!x.pre.length || !y.pre.length) return y.pre.length - x.pre.length;
  for (let i = 0; ; i++) {
    const [p, q] = [x.pre[i], y.pre[i]];
    if (p === undefined || q === undefined) return p === q ? 0 : p === undefined ? -1 : 1;
    const [pn, qn] = [p, q].map((t) => /^\d+$/.test(t));
    if (p !== q) return pn && qn ? p - q : pn !== qn ? (pn ? -1 : 1) : p < q ? -1 : 1;
  }
}
const caret = (range, v) => { const [lo] = parse(range.slice(1)).n; return compare(v, range.slice(1)) >= 0 && parse(v).n[0] === lo; };
function main() {
  const list = ['1.0.0', '1.0.0-rc.1', '1.0.0-alpha.beta', '1.0.0-alpha', '1.0.0-alpha.1', '2.1.0', 'v1.10.0', '1.9.9', '1.0.0-beta.11', '1.0.0-beta.2+b5'];
  let bad;
  try { compare('1.x', '1.0.0'); } catch (e) { bad = String(e); }
  return { sorted: list.toSorted(compare), caret: list.filter((v) => caret('^1.0.0', v)), max: list.reduce((a, b) => (compare(a, b) >= 0 ? a : b)), bad };
}
