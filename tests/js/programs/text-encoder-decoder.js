// TextEncoder and TextDecoder: fatal, BOM, streaming, other encodings.
function main() {
  const enc = new TextEncoder();
  const bytes = enc.encode('aé€😀');
  const into = enc.encodeInto('€€€', new Uint8Array(7));
  const dec = new TextDecoder('utf-8');
  const parts = [bytes.subarray(0, 4), bytes.subarray(4, 8), bytes.subarray(8)].map((b) => dec.decode(b, { stream: true })).concat(dec.decode());
  let fatal;
  try { new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array([0xff])); } catch (e) { fatal = [e.name, e.code]; }
  let label;
  try { new TextDecoder('nope'); } catch (e) { label = e.name; }
  return { bytes: [...bytes], into, parts, fatal, label, repl: new TextDecoder().decode(new Uint8Array([0xf0, 0x9f, 0x41, 0xed, 0xa0, 0x80])), bom: [new TextDecoder().decode(new Uint8Array([0xef, 0xbb, 0xbf, 65])).length, new TextDecoder('utf8', { ignoreBOM: true }).decode(new Uint8Array([0xef, 0xbb, 0xbf, 65])).length], lone: [...enc.encode('\ud800')], utf16: new TextDecoder('utf-16le').decode(new Uint8Array([0x48, 0, 0xac, 0x20])), latin: new TextDecoder('latin1').encoding, name: dec.encoding };
}
