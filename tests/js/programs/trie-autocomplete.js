// A trie for completing words.
class Trie {
  #root = { next: new Map() };
  add(word) { let n = this.#root; for (const c of word) { if (!n.next.has(c)) n.next.set(c, { next: new Map() }); n = n.next.get(c); } n.end = true; return this; }
  *complete(prefix) {
    let n = this.#root;
    for (const c of prefix) { n = n.next.get(c); if (!n) return; }
    yield* this.#walk(n, prefix);
  }
  *#walk(n, word) { if (n.end) yield word; for (const [c, m] of [...n.next].sort()) yield* this.#walk(m, word + c); }
}
function main() {
  const t = 'car card care cart cat dog do 東京 東'.split(' ').reduce((t, w) => t.add(w), new Trie());
  return { car: [...t.complete('car')], d: [...t.complete('d')], han: [...t.complete('東')], none: [...t.complete('x')], first: t.complete('').next() };
}
