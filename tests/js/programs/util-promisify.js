// promisify, callbackify and promisify.custom.
const util = require('util');
const legacy = (n, cb) => setTimeout(() => (n < 0 ? cb(new RangeError('negative')) : cb(null, n * 2)), 1);
async function main() {
  const f = util.promisify(legacy);
  const custom = Object.assign((cb) => cb(), { [util.promisify.custom]: async () => 'custom' });
  const back = await new Promise((r) => util.callbackify(async (x) => x + 1)(41, (e, v) => r([e, v])));
  const falsy = await new Promise((r) => util.callbackify(() => Promise.reject(null))((e) => r([e.code, e.reason])));
  let type;
  try { util.promisify('x'); } catch (e) { type = e.code; }
  return { ok: await f(21), bad: await f(-1).catch((e) => e.message), custom: await util.promisify(custom)(), back, falsy, type };
}
