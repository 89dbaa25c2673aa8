// concat, compare, equals and sorting of buffers.
function main() {
  const parts = ['b', 'a', 'ab', ''].map((s) => Buffer.from(s));
  const a = Buffer.from('abc');
  return {
    concat: Buffer.concat(parts).toString(), cut: Buffer.concat(parts, 2).toString(), longer: Buffer.concat(parts, 6).toString('hex'), sorted: [...parts].sort(Buffer.compare).map(String), compare: [a.compare(Buffer.from('abd')), a.compare(a), Buffer.compare(a, Buffer.from('ab'))],
    equals: [a.equals(Buffer.from('abc')), a.equals(new Uint8Array([97, 98, 99]))], range: a.compare(Buffer.from('xbcx'), 1, 3, 1, 3), empty: Buffer.concat([]).length,
  };
}
