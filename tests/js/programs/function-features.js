// Functions: bind, call, apply, default and rest parameters, name and length.
function main() {
  function add(a, b = 2, ...rest) { return [this?.k, a + b, rest.length]; }
  const bound = add.bind({ k: 'bound' }, 10);
  const o = { m() {}, get g() { return 1; }, ['c' + 1]: () => {}, async a() {}, *gen() {} };
  const f = new Function('a', 'b', 'return a * b');
  return {
    calls: [add.call({ k: 'call' }, 1), add.apply({ k: 'apply' }, [1, 1, 1]), bound(5, 6)], names: [add.name, bound.name, o.m.name, o.c1.name, f.name, (() => {}).name, Object.getOwnPropertyDescriptor(o, 'g').get.name, Symbol.iterator.toString()],
    lengths: [add.length, bound.length, ((...x) => x).length, ((a, b = 1, c) => a).length], made: f(6, 7), text: (function  x ( a ) { return a }).toString(), kinds: [o.a, o.gen].map((x) => Object.prototype.toString.call(x)), evaled: eval('1 + 2'), indirect: (0, eval)('typeof main'),
  };
}
