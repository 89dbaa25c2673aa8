// string_decoder puts characters together that were cut.
const { StringDecoder } = require('string_decoder');
function main() {
  const d = new StringDecoder('utf8');
  const b = Buffer.from('a€😀b');
  const bytes = [...b].map((x) => d.write(Buffer.from([x])));
  const cut = new StringDecoder('utf8');
  const lost = [cut.write(Buffer.from([0xe2, 0x82])), cut.end(), cut.end(Buffer.from([0x41]))];
  const b64 = new StringDecoder('base64');
  const u16 = new StringDecoder('utf16le');
  return { bytes, lost, b64: [b64.write(Buffer.from('ab')), b64.write(Buffer.from('cd')), b64.end()], u16: [u16.write(Buffer.from([0x61])), u16.write(Buffer.from([0, 0x3d, 0xd8])), u16.write(Buffer.from([0, 0xde])), u16.end()], hex: new StringDecoder('hex').write(Buffer.from('hi')) };
}
