// assert: what passes, what fails, and the codes of failures.
const assert = require('assert');
function main() {
  const fail = (f) => { try { f(); return 'passed'; } catch (e) { return [e.name, e.code, e.generatedMessage, e.operator]; } };
  return {
    ok: fail(() => assert(1)), falsy: fail(() => assert(0, 'zero given')), eq: fail(() => assert.equal(1, '1')), strict: fail(() => assert.strictEqual(1, '1', 'own words')), deep: fail(() => assert.deepStrictEqual({ a: [1, new Map([[1, { b: 2 }]])] }, { a: [1, new Map([[1, { b: 2 }]])] })), deepBad: fail(() => assert.deepStrictEqual({ a: 1 }, { a: '1' })), loose: fail(() => assert.deepEqual({ a: 1 }, { a: '1' })), not: fail(() => assert.notStrictEqual(1, 1)),
    throws: fail(() => assert.throws(() => { throw new TypeError('bad x'); }, /bad/)), noThrow: fail(() => assert.throws(() => {})), match: fail(() => assert.match('abc', /b/)), err: (() => { try { assert.strictEqual(1, 2, new RangeError('mine')); } catch (e) { return e.name; } })(), fail: (() => { try { assert.fail('boom'); } catch (e) { return e.message; } })(), nan: fail(() => assert.strictEqual(NaN, NaN)),
  };
}
