// Objects: keys that need quotes, nesting, width and line breaks.
function main() {
  console.log({});
  console.log({ a: 1, 'b-c': 2, 3: 'three', _ok: true, $d: 0, 'with space': null, é: 1, [Symbol('k')]: 'sym', '': 0 });
  console.log({ l1: { l2: { l3: { l4: 'deep' } } }, arr: [[[[1]]]] });
  console.log({ name: 'a name that is rather long', city: 'a city with a long name too', n: 1 });
  console.log({ name: 'a name that is rather long', city: 'a city with a long name too', number: 12345 });
  console.log({ a: { b: 1 }, c: { d: 2 }, e: { f: 3 }, g: { h: 4 }, i: { j: 5 }, k: { l: 6 }, m: { n: 7 }, o: 1 });
  console.log({ text: 'x'.repeat(100), more: 'multi\nline' });
  console.log({ a: { b: {} , c: [] } });
  console.log({ f: 1, g: { h: 'quite a long text that fills the line up to the end of it', i: [1, 2, 3] } });
}
