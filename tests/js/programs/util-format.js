// util.format and formatWithOptions give the text of console.log.
const util = require('node:util');
function main() {
  return { texts: [util.format('%s:%s', 'a'), util.format('a', 1, { b: 2 }), util.format('%d%%', 50), util.format(1, 2), util.format('%s', { toString() { return 'own'; } }), util.format('%s', Object.create(null)), util.format(), util.format('%j', { a: 1 }), util.format('%O', [{ a: { b: { c: {} } } }]), util.format('%s', -0), util.format('%i', 1.9, 'x'), util.format(new Error('e').message)], opts: util.formatWithOptions({ compact: false }, '%O', { a: 1 }), circular: (() => { const o = {}; o.o = o; return util.format('%j', o); })() };
}
