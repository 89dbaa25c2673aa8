// Accessors in literals, defineProperty, freezing and enumeration order.
function main() {
  const o = { _c: 20, get f() { return this._c * 1.8 + 32; }, set f(v) { this._c = (v - 32) / 1.8; } };
  o.f = 212;
  Object.defineProperty(o, 'hidden', { value: 1, enumerable: false });
  Object.defineProperty(o, 'lazy', { configurable: true, enumerable: true, get() { Object.defineProperty(this, 'lazy', { value: 'once', enumerable: true }); return 'first'; } });
  const order = Object.keys({ b: 1, 2: 1, a: 1, 1: 1, [Symbol('s')]: 1, '-1': 1, '01': 1 });
  const frozen = Object.freeze({ in: { deep: 1 } });
  frozen.in.deep = 2;
  frozen.x = 1;
  console.log(o);
  return { c: o._c, lazy: [o.lazy, o.lazy], hidden: 'hidden' in o, keys: Object.keys(o), order, frozen, sealed: Object.isSealed(Object.seal({})) };
}
