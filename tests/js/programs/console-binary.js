// Buffers, typed arrays, ArrayBuffers and DataViews in the log.
function main() {
  console.log(Buffer.from('hello'), Buffer.alloc(0), [Buffer.from([255])]);
  console.log(new Uint8Array(3), new Uint8Array(0), Float64Array.of(1.5, -0, NaN), new BigUint64Array([1n]));
  console.log(new Uint16Array(10).map((_, i) => i * 1000));
  console.log(new ArrayBuffer(4), { b: new ArrayBuffer(2) });
  console.log(new DataView(new ArrayBuffer(2)));
  console.log(new Uint8Array(200));
  console.log('%s', Buffer.from('as text'));
  console.log(String(Buffer.from('string')), `${new Uint8Array([1, 2])}`);
}
