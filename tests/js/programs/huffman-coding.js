// Huffman codes, and text packed and unpacked with them.
function tree(text) {
  let nodes = Object.entries([...text].reduce((m, c) => ({ ...m, [c]: (m[c] ?? 0) + 1 }), {})).map(([c, n]) => ({ c, n }));
  while (nodes.length > 1) { nodes.sort((a, b) => a.n - b.n || ((a.c ?? '~') < (b.c ?? '~') ? -1 : 1)); const [l, r, ...rest] = nodes; nodes = [...rest, { l, r, n: l.n + r.n }]; }
  return nodes[0];
}
const codes = (t, p = '') => (t.c !== undefined ? { [t.c]: p || '0' } : { ...codes(t.l, `${p}0`), ...codes(t.r, `${p}1`) });
function main() {
  const text = 'abracadabra alakazam';
  const t = tree(text), table = codes(t);
  const bits = [...text].map((c) => table[c]).join('');
  let n = t, out = '';
  for (const b of bits) { n = b === '0' ? n.l : n.r; if (n.c !== undefined) { out += n.c; n = t; } }
  return { bits: bits.length, plain: text.length * 8, back: out === text, lengths: Object.fromEntries(Object.entries(table).map(([c, s]) => [c, s.length])) };
}
