// A small binary protocol: length, type, checksum, text.
function encode(type, text) {
  const body = Buffer.from(text, 'utf8');
  const head = Buffer.alloc(7);
  head.writeUInt32BE(body.length, 0);
  head.writeUInt8(type, 4);
  head.writeUInt16LE(body.reduce((a, b) => (a + b) & 0xffff, 0), 5);
  return Buffer.concat([head, body]);
}
function* decode(buf) {
  for (let at = 0; at < buf.length;) {
    const n = buf.readUInt32BE(at), type = buf[at + 4], sum = buf.readUInt16LE(at + 5), body = buf.subarray(at + 7, at + 7 + n);
    yield { type, text: body.toString(), ok: sum === body.reduce((a, b) => (a + b) & 0xffff, 0) };
    at += 7 + n;
  }
}
function main() {
  const wire = Buffer.concat([encode(1, 'ping'), encode(2, 'Grüße'), encode(3, '')]);
  const bad = Buffer.from(wire);
  bad[8] ^= 1;
  return { wire: wire.toString('hex'), good: [...decode(wire)], bad: [...decode(bad)].map((m) => m.ok) };
}
