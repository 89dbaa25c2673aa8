// engine-message
// Several RangeErrors of the engine.
function main() {
  const tries = {
    array: () => new Array(-1),
    repeat: () => 'x'.repeat(-1),
    fixed: () => (1).toFixed(101),
    radix: () => (1).toString(1),
    date: () => new Date(NaN).toISOString(),
    normalize: () => 'x'.normalize('NFX'),
    codePoint: () => String.fromCodePoint(0x110000),
    bigint: () => BigInt(1.5),
    view: () => new DataView(new ArrayBuffer(2)).getInt32(0),
  };
  const names = {};
  for (const [key, f] of Object.entries(tries)) {
    try { f(); names[key] = 'no error'; } catch (e) { names[key] = e.name; }
  }
  return names;
}
