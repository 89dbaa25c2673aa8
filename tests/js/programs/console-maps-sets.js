// Maps, sets, their iterators, and nesting of them.
function main() {
  const m = new Map([['a', 1], [{ k: 1 }, new Set([1, 'x'])], [null, new Map()]]);
  console.log(m);
  console.log(new Set(), new Map());
  console.log(new Set([[1, 2], { a: 1 }, 'text']));
  console.log(m.keys(), new Set([1]).values(), new Map([[1, 2]]).entries());
  console.log([1, 2][Symbol.iterator](), 'ab'.matchAll(/a/g));
  console.log({ m: new Map([['deep', new Map([['deeper', new Map([['deepest', 1]])]])]]) });
  console.log(new Map(Array.from({ length: 5 }, (_, i) => [`key number ${i}`, `value number ${i}`])));
  console.log(new Set(Array.from({ length: 110 }, (_, i) => i)));
  console.log(new WeakMap(), new WeakSet());
}
