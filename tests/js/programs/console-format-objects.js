// %o and %O of objects, and %s of things with toString.
class P { toString() { return 'P as text'; } }
class Q { constructor() { this.x = 1; } }
function main() {
  console.log('%O', { a: { b: { c: { d: 1 } } }, list: [1, [2, [3, [4]]]] });
  console.log('%o', { a: 1, list: [1, 2] });
  console.log('%s %s', new P(), new Q());
  console.log('%s %s', [1, 'a', [2]], new Date(0));
  console.log('%s', () => 1);
  console.log('%s', class Foo {});
  console.log('%s', new Map([[1, 2]]));
  console.log('%j', { toJSON() { return 'from toJSON'; } });
  console.log('%d %i', [], '0x10');
}
