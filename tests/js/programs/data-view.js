// DataView with both byte orders.
function main() {
  const v = new DataView(new ArrayBuffer(24));
  v.setUint16(0, 0xcafe);
  v.setUint16(2, 0xcafe, true);
  v.setInt32(4, -2);
  v.setFloat32(8, Math.PI, true);
  v.setFloat64(12, -0.1);
  v.setInt8(20, -128);
  const hex = [...new Uint8Array(v.buffer)].map((b) => b.toString(16).padStart(2, '0')).join('');
  let range;
  try { v.getFloat64(20); } catch (e) { range = e.name; }
  const big = new DataView(new ArrayBuffer(8));
  big.setBigUint64(0, 0x0123456789abcdefn, true);
  return { hex, read: [v.getUint8(0), v.getInt16(0), v.getUint32(4), v.getFloat32(8, true), v.getFloat64(12), v.getInt8(20)], range, big: big.getBigInt64(0).toString(16), len: v.byteLength };
}
