// Members without JSON form: undefined, functions, symbols, NaN, Infinity, -0.
function main() {
  return {
    gone: undefined,
    fn() {},
    [Symbol('s')]: 1,
    sym: Symbol('v'),
    nan: NaN,
    inf: -Infinity,
    zero: -0,
    list: [undefined, () => 1, Symbol('x'), NaN],
    date: new Date(0),
    bad: new Date(NaN),
    set: new Set([1]),
    re: /x/g,
    err: new Error('not seen'),
    boxed: [Object(1), Object('s'), Object(true)],
    nul: null,
  };
}
