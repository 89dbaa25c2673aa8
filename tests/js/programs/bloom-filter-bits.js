// A Bloom filter on a typed array, without false negatives.
class Bloom {
  constructor(bits, hashes) { this.bits = new Uint32Array(bits / 32); this.n = bits; this.k = hashes; }
  *#places(s) { let [a, b] = [0x811c9dc5, 5381]; for (const c of Buffer.from(s)) { a = Math.imul(a ^ c, 16777619) >>> 0; b = (Math.imul(b, 33) + c) >>> 0; } for (let i = 0; i < this.k; i++) yield (a + i * b) % this.n; }
  add(s) { for (const p of this.#places(s)) this.bits[p >>> 5] |= 1 << (p & 31); }
  has(s) { for (const p of this.#places(s)) if (!(this.bits[p >>> 5] & (1 << (p & 31)))) return false; return true; }
}
function main() {
  const f = new Bloom(2048, 4);
  const words = Array.from({ length: 150 }, (_, i) => `word-${i}`);
  words.forEach((w) => f.add(w));
  return { all: words.every((w) => f.has(w)), falsePositives: Array.from({ length: 1000 }, (_, i) => `other-${i}`).filter((w) => f.has(w)).length, set: f.bits.reduce((s, x) => s + x.toString(2).replace(/0/g, '').length, 0), bytes: f.bits.byteLength };
}
