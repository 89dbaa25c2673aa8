// What Reflect offers.
class A { constructor(x) { this.x = x; } }
class B {}
function main() {
  const o = { a: 1, get self() { return this; } };
  const other = {};
  return {
    has: Reflect.has(o, 'a'), keys: Reflect.ownKeys({ b: 1, [Symbol.iterator]: 0, 1: 0 }).map(String), recv: Reflect.get(o, 'self', other) === other,
    set: [Reflect.set(Object.freeze({ z: 1 }), 'z', 2), Reflect.set(o, 'a', 5)], a: o.a, made: Reflect.construct(A, [3], B) instanceof B,
    apply: Reflect.apply(Math.max, null, [1, 7, 3]), define: Reflect.defineProperty(o, 'k', { value: 1 }), desc: Reflect.getOwnPropertyDescriptor(o, 'k'),
    ext: [Reflect.isExtensible(o), Reflect.preventExtensions(o), Reflect.isExtensible(o)], proto: Reflect.getPrototypeOf([]) === Array.prototype, del: Reflect.deleteProperty({ q: 1 }, 'q'),
  };
}
