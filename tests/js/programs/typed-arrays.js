// Typed arrays: wrapping, clamping, views on one buffer and set.
function main() {
  const buf = new ArrayBuffer(8);
  const u8 = new Uint8Array(buf);
  const u16 = new Uint16Array(buf, 2, 2);
  u8.set([1, 2, 0xff, 0x01, 254, 255]);
  const clamped = Uint8ClampedArray.of(-5, 1.5, 2.5, 300, NaN);
  const sub = u8.subarray(2, 4);
  sub[0] = 7;
  console.log(u8, clamped, new Float32Array([1.5, 0.1]), new BigInt64Array(2), buf);
  return {
    u8: [...u8], u16: [...u16], clamped: [...clamped], wrap: [...Int8Array.from([127, 128, 255, 256, -129])], f32: [...new Float32Array([0.1, 1e40])].map(String), u32: Uint32Array.of(-1)[0],
    big: String(BigUint64Array.of(-1n)[0]), slice: u8.slice(0, 2).buffer === buf, sub: sub.byteOffset, bytes: Float64Array.BYTES_PER_ELEMENT, json: JSON.stringify(new Uint8Array(2)), out: u8[99] === undefined, sorted: [...new Int16Array([3, -1, 2]).toSorted()],
  };
}
