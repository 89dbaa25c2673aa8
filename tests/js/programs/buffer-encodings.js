// One text through all encodings of Buffer.
function main() {
  const text = 'Grüße, 東京 😀';
  const b = Buffer.from(text);
  const out = { length: b.length, byteLength: Buffer.byteLength(text), utf16: Buffer.byteLength(text, 'utf16le') };
  for (const e of ['utf8', 'hex', 'base64', 'base64url', 'latin1', 'ascii', 'utf16le', 'binary', 'ucs2']) out[e] = [...b.toString(e).slice(0, 24)].map((c) => c.codePointAt(0).toString(16)).join(' ');
  console.log(b);
  return out;
}
