// A cache that forgets what was longest not used, on a Map.
class LRU {
  #map = new Map();
  constructor(size) { this.size = size; this.hits = this.misses = 0; }
  get(k) { if (!this.#map.has(k)) { this.misses++; return undefined; } const v = this.#map.get(k); this.#map.delete(k); this.#map.set(k, v); this.hits++; return v; }
  set(k, v) { this.#map.delete(k); this.#map.set(k, v); if (this.#map.size > this.size) this.#map.delete(this.#map.keys().next().value); return this; }
  *[Symbol.iterator]() { yield* this.#map; }
}
function main() {
  const c = new LRU(3).set('a', 1).set('b', 2).set('c', 3);
  c.get('a');
  c.set('d', 4);
  const gone = c.get('b');
  c.set('c', 33).set('e', 5);
  return { left: [...c], gone: gone === undefined, hits: c.hits, misses: c.misses };
}
