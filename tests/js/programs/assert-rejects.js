// assert.rejects and doesNotReject.
const assert = require('node:assert/strict');
async function main() {
  await assert.rejects(async () => { throw new TypeError('no'); }, { name: 'TypeError', message: 'no' });
  await assert.doesNotReject(Promise.resolve(1));
  const code = await assert.rejects(Promise.resolve('fine')).catch((e) => e.code);
  let msg;
  try { assert.equal('a', 'b', 'strict by name'); } catch (e) { msg = [e.message.split('\n')[0], e.actual, e.expected]; }
  return { code, msg, strict: assert.equal === assert.strictEqual };
}
