// Objects with very many members, deep lists and long keys.
function main() {
  console.log(Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`key${i}`, i])));
  console.log({ ['k'.repeat(90)]: 1 });
  console.log([[[]]], [[[[]]]], { a: { b: { c: {} } } }, { a: { b: { c: { d: 1 } } } });
  console.log(Array.from({ length: 101 }, () => 'a').concat('end').length, Array(101).fill('ab'));
  console.log(Object.assign([1, 2], { x: 1, '-1': 2 }));
  console.log({ a: [1, 2, 3, { b: [4, 5, { c: [6] }] }] });
}
