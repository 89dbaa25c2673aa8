// Reading and writing whole numbers of all widths.
function main() {
  const b = Buffer.alloc(40);
  let at = 0;
  at = b.writeUInt8(255, at); at = b.writeInt8(-1, at); at = b.writeUInt16LE(0x1234, at); at = b.writeUInt16BE(0x1234, at); at = b.writeInt16BE(-2, at);
  at = b.writeUInt32LE(0xdeadbeef, at); at = b.writeInt32BE(-123456, at); at = b.writeBigUInt64LE(0x0102030405060708n, at); at = b.writeBigInt64BE(-5n, at); at = b.writeUIntBE(0x123456, at, 3); at = b.writeIntLE(-70000, at, 5);
  const err = (f) => { try { f(); } catch (e) { return [e.name, e.code]; } };
  return {
    at, hex: b.toString('hex'), read: [b.readUInt8(0), b.readInt8(1), b.readUInt16LE(2), b.readUInt16BE(4), b.readInt16BE(6), b.readUInt32LE(8), b.readInt32BE(12), String(b.readBigUInt64LE(16)), String(b.readBigInt64BE(24)), b.readUIntBE(32, 3), b.readIntLE(35, 5), b.readUint8(0)],
    range: err(() => b.writeUInt8(256, 0)), out: err(() => b.readUInt32LE(38)), type: err(() => b.readInt8('0')), frac: err(() => b.readInt8(0.5)),
  };
}
