// Base32 after RFC 4648, and Crockford's letters.
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
function encode(buf) {
  let bits = 0, value = 0, out = '';
  for (const b of buf) { value = ((value << 8) | b) & 0xfff; bits += 8; while (bits >= 5) { bits -= 5; out += ALPHABET[(value >>> bits) & 31]; } }
  if (bits) out += ALPHABET[(value << (5 - bits)) & 31];
  return out.padEnd(Math.ceil(out.length / 8) * 8, '=');
}
function decode(text) {
  let bits = 0, value = 0;
  const out = [];
  for (const c of text.replace(/=+$/, '').toUpperCase()) {
    const i = ALPHABET.indexOf(c);
    if (i < 0) throw new Error(`letter ${c} is not base32`);
    value = ((value << 5) | i) & 0xffff; bits += 5;
    if (bits >= 8) { bits -= 8; out.push((value >>> bits) & 255); }
  }
  return Buffer.from(out);
}
function main() {
  const words = ['', 'f', 'fo', 'foo', 'foob', 'fooba', 'foobar', 'é€😀'];
  let failure;
  try { decode('ABC1'); } catch (e) { failure = e.message; }
  return { enc: words.map((w) => encode(Buffer.from(w))), back: words.every((w) => decode(encode(Buffer.from(w))).toString() === w), failure };
}
