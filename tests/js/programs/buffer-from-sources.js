// Buffer.from arrays, ArrayBuffers, typed arrays and objects with valueOf.
function main() {
  const ab = new ArrayBuffer(4);
  const view = Buffer.from(ab, 1, 2);
  view[0] = 9;
  const u16 = new Uint16Array([1, 256, 65535]);
  return { arr: [...Buffer.from([1, 257, -1, 3.9, '5', 'x'])], shared: [...new Uint8Array(ab)], off: [view.byteOffset, view.length], copied: [...Buffer.from(u16)], bytes: Buffer.from(u16.buffer).toString('hex'), value: Buffer.from(new String('boxed')).toString(), of: [...Buffer.of(1, 2)], map: Buffer.from('ab').map((x) => x + 1).toString(), at: Buffer.from('abc').at(-1), ctor: require('buffer').Buffer === Buffer };
}
