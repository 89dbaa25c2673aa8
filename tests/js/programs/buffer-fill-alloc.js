// alloc, fill, swap and iteration.
function main() {
  const err = (f) => { try { f(); } catch (e) { return [e.name, e.code]; } };
  const s = Buffer.from('0102030405060708', 'hex');
  return {
    zero: Buffer.alloc(3).toString('hex'), text: Buffer.alloc(7, 'abc').toString(), num: Buffer.alloc(2, 0x1ff).toString('hex'), enc: Buffer.alloc(5, 'YQ==', 'base64').toString(), fill: Buffer.from('......').fill('xy', 1, 4).toString(), swap: [Buffer.from(s).swap16(), Buffer.from(s).swap32(), Buffer.from(s).swap64()].map((x) => x.toString('hex')),
    oddSwap: err(() => Buffer.alloc(3).swap16()), entries: [...Buffer.from('hi').entries()], keys: [...Buffer.from('hi').keys()], write: (() => { const b = Buffer.alloc(5); return [b.write('héllo wörld', 1), b.toString('hex')]; })(), neg: err(() => Buffer.alloc(-1)), bad: err(() => Buffer.from(5)), nul: err(() => Buffer.from(null)), unsafe: Buffer.allocUnsafe(4).length,
  };
}
