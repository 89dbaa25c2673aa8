// Currying, pipe, compose and transducers.
const curry = (f, ...got) => (got.length >= f.length ? f(...got) : (...more) => curry(f, ...got, ...more));
const pipe = (...fs) => (x) => fs.reduce((v, f) => f(v), x);
const compose = (...fs) => pipe(...fs.reverse());
const mapping = (f) => (step) => (acc, x) => step(acc, f(x));
const filtering = (p) => (step) => (acc, x) => (p(x) ? step(acc, x) : acc);
function main() {
  const add3 = curry((a, b, c) => a + b + c);
  const slug = pipe((s) => s.trim(), (s) => s.toLowerCase(), (s) => s.replace(/\s+/g, '-'));
  const xf = compose(filtering((n) => n % 2), mapping((n) => n * n));
  const order = [];
  compose((x) => order.push('outer'), (x) => order.push('inner'))(0);
  return { sums: [add3(1)(2)(3), add3(1, 2)(3), add3(1)(2, 3)], slug: slug('  Hello Big World '), odd: [1, 2, 3, 4, 5].reduce(xf((a, x) => [...a, x]), []), order, partial: [1, 2].map(add3(10)(1)) };
}
