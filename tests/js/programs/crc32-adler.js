// CRC-32 with a table, and Adler-32, over known texts.
const TABLE = Uint32Array.from({ length: 256 }, (_, n) => { for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1; return n; });
const crc32 = (b) => (b.reduce((c, x) => TABLE[(c ^ x) & 255] ^ (c >>> 8), -1) ^ -1) >>> 0;
function adler32(b) { let x = 1, y = 0; for (const v of b) { x = (x + v) % 65521; y = (y + x) % 65521; } return ((y << 16) | x) >>> 0; }
const fnv1a = (b) => b.reduce((h, x) => Math.imul(h ^ x, 0x01000193), 0x811c9dc5) >>> 0;
function main() {
  return ['', 'a', '123456789', 'The quick brown fox jumps over the lazy dog', 'ü'.repeat(1000)].map((t) => { const b = [...Buffer.from(t)]; return [crc32(b), adler32(b), fnv1a(b)].map((n) => n.toString(16).padStart(8, '0')); });
}
