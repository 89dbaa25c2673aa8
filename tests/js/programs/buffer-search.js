// indexOf, lastIndexOf and includes with texts, bytes and offsets.
function main() {
  const b = Buffer.from('the cat sat on the mat');
  return { idx: [b.indexOf('the'), b.indexOf('the', 1), b.indexOf('dog'), b.indexOf(Buffer.from('at')), b.indexOf(0x6f), b.lastIndexOf('at'), b.lastIndexOf('at', 10), b.indexOf('', 5), b.indexOf('mat', -4)], inc: [b.includes('sat'), b.includes('sat', 9)], utf16: Buffer.from('abc', 'utf16le').indexOf('c', 0, 'utf16le'), hex: b.indexOf('636174', 'hex') };
}
