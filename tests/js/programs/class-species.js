// Subclasses of built-ins, and Symbol.species.
class Stack extends Array {
  get top() { return this.at(-1); }
  static get [Symbol.species]() { return Array; }
}
class Names extends Array { sorted() { return [...this].sort(); } }
class Counter extends Map { add(k) { return this.set(k, (this.get(k) ?? 0) + 1); } }
function main() {
  const s = Stack.of(1, 2, 3);
  const n = new Names('b', 'a');
  const c = new Counter();
  for (const w of 'a b a c a'.split(' ')) c.add(w);
  console.log(s, n, c);
  return {
    top: s.top, mapped: s.map((x) => x) instanceof Stack, filtered: n.filter(Boolean) instanceof Names,
    sorted: n.sorted(), counts: Object.fromEntries(c), length: s.length, isArray: Array.isArray(s),
  };
}
