// Conway's life on a torus, printed.
function step(g) {
  const h = g.length, w = g[0].length;
  return g.map((r, y) => r.map((c, x) => { let n = 0; for (let dy = -1; dy <= 1; dy++) for (let dx = -1; dx <= 1; dx++) if (dx || dy) n += g[(y + dy + h) % h][(x + dx + w) % w]; return +(n === 3 || (c && n === 2)); }));
}
function main() {
  let g = ['.#......', '..#.....', '###.....', '........', '........', '........'].map((l) => [...l].map((c) => +(c === '#')));
  const start = g.flat().join('');
  for (let i = 0; i < 4; i++) g = step(g);
  g.forEach((r) => console.log(r.map((c) => (c ? '#' : '.')).join('')));
  let period = 4;
  do { g = step(g); period++; } while (g.flat().join('') !== start && period < 100);
  return { alive: g.flat().filter(Boolean).length, period };
}
