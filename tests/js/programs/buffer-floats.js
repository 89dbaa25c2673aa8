// Reading and writing floating point numbers.
function main() {
  const b = Buffer.alloc(24);
  b.writeFloatLE(1.1, 0); b.writeFloatBE(-0, 4); b.writeDoubleLE(Math.E, 8); b.writeDoubleBE(NaN, 16);
  return { hex: b.subarray(0, 16).toString('hex'), read: [b.readFloatLE(0), Object.is(b.readFloatBE(4), -0), b.readDoubleLE(8), Number.isNaN(b.readDoubleBE(16))], inf: (b.writeFloatBE(1e39, 0), String(b.readFloatBE(0))) };
}
