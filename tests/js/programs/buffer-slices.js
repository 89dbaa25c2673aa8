// slice and subarray share memory; copies do not.
function main() {
  const b = Buffer.from('abcdefghij');
  const s = b.slice(2, 5), t = b.subarray(-3), copy = Buffer.from(b), c = Uint8Array.prototype.slice.call(b, 0, 2);
  s[0] = 0x58;
  const target = Buffer.alloc(6, '.');
  const n = b.copy(target, 1, 4, 8);
  c[0] = 0x21;
  console.log(s, t, copy.toString());
  return { b: b.toString(), s: s.toString(), t: t.toString(), n, target: target.toString(), isBuffer: [Buffer.isBuffer(s), Buffer.isBuffer(new Uint8Array(1)), b instanceof Uint8Array], same: s.buffer === b.buffer, from: b.toString('utf8', 3, 6), neg: b.slice(4, 2).length };
}
