// toJSON, and buffers inside results.
function main() {
  const b = Buffer.from('héy');
  const text = JSON.stringify({ b });
  const back = JSON.parse(text, (k, v) => (v?.type === 'Buffer' ? Buffer.from(v.data) : v)).b;
  console.log({ b, list: [Buffer.alloc(2)], big: Buffer.alloc(60, 1) });
  return { b, text, back: back.toString(), same: back.equals(b), u8: new Uint8Array([1, 2]), str: `${b}`, fromObj: Buffer.from({ type: 'Buffer', data: [104, 105] }).toString() };
}
