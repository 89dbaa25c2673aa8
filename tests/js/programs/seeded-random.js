// A seeded generator of numbers, shuffling and sampling.
function mulberry32(a) { return () => { a |= 0; a = (a + 0x6d2b79f5) | 0; let t = Math.imul(a ^ (a >>> 15), 1 | a); t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t; return ((t ^ (t >>> 14)) >>> 0) / 4294967296; }; }
function main() {
  const r = mulberry32(2024);
  const dice = Array.from({ length: 10 }, () => 1 + Math.floor(r() * 6));
  const deck = Array.from({ length: 10 }, (_, i) => i);
  for (let i = deck.length - 1; i > 0; i--) { const j = Math.floor(r() * (i + 1)); [deck[i], deck[j]] = [deck[j], deck[i]]; }
  let inside = 0;
  for (let i = 0; i < 20000; i++) if (r() ** 2 + r() ** 2 < 1) inside++;
  return { dice, deck, pi: (4 * inside) / 20000, float: r() };
}
