// Random things by their shape only.
const crypto = require('node:crypto');
function main() {
  const id = crypto.randomUUID();
  const arr = new Uint32Array(4);
  const same = globalThis.crypto.getRandomValues(arr);
  const n = crypto.randomInt(5, 10);
  return { uuid: /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id), differs: id !== crypto.randomUUID(), bytes: crypto.randomBytes(16).length, hex: crypto.randomBytes(8).toString('hex').length, same: same === arr, int: n >= 5 && n < 10, web: typeof globalThis.crypto.randomUUID(), math: Math.random() < 1 };
}
