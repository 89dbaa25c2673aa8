// Instances, classes, null prototypes, tags and overridden inspection.
const util = require('util');
class A { constructor() { this.x = 1; } get y() { return 2; } static s = 5; }
class B extends A { #hidden = 1; z = new A(); }
class T { get [Symbol.toStringTag]() { return 'Tagged'; } }
class Custom { [util.inspect.custom](depth, options) { return `Custom<${typeof depth}>`; } }
class Obj { [util.inspect.custom]() { return { shown: true }; } }
function main() {
  console.log(new A(), new B());
  console.log(A, B, class {}, class extends A {});
  console.log(new T(), new Custom(), [new Custom()], new Obj());
  console.log(Object.create(null), Object.assign(Object.create(null), { a: 1 }));
  console.log(Object.create(A.prototype), Object.create({}), Object.create(new B()));
  console.log(new (class extends Map {})(), new (class Foo extends Set {})([1]));
  console.log({ constructor: 'odd' }, new (class Empty {})());
  console.log(globalThis === global, [new B()], { b: { c: new B() } });
}
