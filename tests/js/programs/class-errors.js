// engine-message
// Misuse of classes that the language refuses.
class A { constructor() { this.x = 1; } }
class B extends A { constructor() { try { this.y = 1; } catch (e) { B.early = e.name; } super(); } }
class C { #p = 1; static read(o) { return o.#p; } }
function main() {
  const got = {};
  const cases = {
    call: () => A(), readOther: () => C.read({}), extendNull: () => new (class extends null { constructor() { super(); } })(),
    abstract: () => new (class { constructor() { if (new.target) throw new TypeError('abstract'); } })(), notCtor: () => new (() => {})(),
    frozen: () => { 'use strict'; Object.freeze(new A()).x = 2; },
  };
  for (const [k, f] of Object.entries(cases)) try { f(); got[k] = 'fine'; } catch (e) { got[k] = e.name; }
  new B();
  return { ...got, early: B.early };
}
