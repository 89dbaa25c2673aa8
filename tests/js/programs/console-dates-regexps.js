// Dates, regular expressions, boxed values, promises and proxies.
function main() {
  console.log(new Date(Date.UTC(2024, 0, 2, 3, 4, 5, 6)), new Date(NaN), [new Date(0)], { d: new Date(0) });
  console.log(/a\/b/giu, [/x/], Object.assign(/y/, { tag: 1 }));
  console.log(Object('s'), Object(1), Object(true), Object(5n), Object(Symbol('q')));
  console.log(Object.assign(Object('ab'), { extra: 1 }), Object(-0));
  console.log(Promise.resolve({ a: 1 }), new Promise(() => {}), (async () => 'x')());
  console.log(new Proxy({ a: 1 }, {}), new Proxy([1], {}));
  console.log((function () { return arguments; })(1, 'b'));
  console.log((function* () {})(), Symbol.for('reg'), [Symbol('in list')]);
}
