// Cuts chunks of bytes into lines, whatever the borders are.
const { StringDecoder } = require('string_decoder');
class Lines {
  #decoder = new StringDecoder('utf8'); #rest = '';
  *push(chunk) { const parts = (this.#rest + this.#decoder.write(chunk)).split(/\r?\n/); this.#rest = parts.pop(); yield* parts; }
  *end() { const last = this.#rest + this.#decoder.end(); if (last) yield last; }
}
function main() {
  const bytes = Buffer.from('erste Zeile\nzwei: größer\r\n\ndrei 😀\nletzte');
  const outs = [1, 2, 3, 7, 100].map((n) => { const l = new Lines(), out = []; for (let i = 0; i < bytes.length; i += n) out.push(...l.push(bytes.subarray(i, i + n))); out.push(...l.end()); return out; });
  return { lines: outs[0], agree: outs.every((o) => JSON.stringify(o) === JSON.stringify(outs[0])), parsed: outs[0].filter(Boolean).length };
}
