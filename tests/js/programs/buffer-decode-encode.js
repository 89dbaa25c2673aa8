// Buffer.from in every encoding, and back.
function main() {
  const round = (s, e) => { const b = Buffer.from(s, e); return [b.toString('hex'), b.toString(e) === s]; };
  return {
    utf8: round('é€😀', 'utf8'), hex: round('00ff10ab', 'hex'), base64: round('SGVsbG8sIHfDtnJsZA==', 'base64'), url: round('-_-_', 'base64url'), latin1: round('caf\xe9', 'latin1'), ascii: round('plain', 'ascii'), utf16: round('hi€', 'utf16le'),
    badHex: Buffer.from('abxz12', 'hex').toString('hex'), oddHex: Buffer.from('abc', 'hex').length, loose: Buffer.from('SGV s\nbG8', 'base64').toString(), mixed: Buffer.from('_-+/', 'base64').toString('hex'), narrow: Buffer.from('€', 'latin1').toString('hex'), invalid: Buffer.from([0xc3, 0x28, 0xff]).toString(),
    known: ['utf8', 'UTF-8', 'hex', 'nope', 'base64url'].map(Buffer.isEncoding),
  };
}
