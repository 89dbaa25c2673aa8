// querystring: parse, stringify, escape.
const qs = require('querystring');
function main() {
  return { parse: { ...qs.parse('a=1&b=2&a=3&c=%20x+y&d&=e&f=') }, sep: { ...qs.parse('a:1;b:2', ';', ':') }, max: { ...qs.parse('a=1&b=2&c=3', null, null, { maxKeys: 2 }) }, str: qs.stringify({ a: [1, 2], b: 'x y&z', n: null, u: undefined, t: true, f: 1.5, nan: NaN, o: {}, e: '' }), strSep: qs.stringify({ a: 1, b: 'ü' }, ';', ':'), esc: [qs.escape('a b/ü'), qs.unescape('%20%zz')], nul: Object.getPrototypeOf(qs.parse('')) === null };
}
