// structuredClone of errors and instances, and what it cannot clone.
class Point { constructor() { this.x = 1; } get y() { return 2; } }
function main() {
  const fail = (v) => { try { structuredClone(v); return 'cloned'; } catch (e) { return [e.name, e.code, e instanceof DOMException]; } };
  const e = structuredClone(new RangeError('r', { cause: { c: 1 } }));
  const p = structuredClone(new Point());
  const buf = new ArrayBuffer(8);
  const moved = structuredClone(buf, { transfer: [buf] });
  return { err: [e.name, e.message, e instanceof RangeError, e.cause], custom: structuredClone(Object.assign(new Error('x'), { name: 'Mine', extra: 1 })).name, proto: p instanceof Point, p, fn: fail(() => 1), sym: fail(Symbol('s')), nested: fail({ a: [() => 1] }), weak: fail(new WeakMap()), promise: fail(Promise.resolve()), sizes: [buf.byteLength, moved.byteLength], getter: structuredClone({ get g() { return 'read'; } }) };
}
