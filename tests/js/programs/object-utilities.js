// Object.entries, fromEntries, assign, spread, groupings by hand.
function main() {
  const prices = { apple: 1.2, pear: 2.5, plum: 0.8 };
  const doubled = Object.fromEntries(Object.entries(prices).map(([k, v]) => [k, v * 2]));
  const a = { x: 1, nested: { y: 1 } };
  const shallow = { ...a, z: 3 };
  shallow.nested.y = 9;
  const nul = Object.create(null, { v: { value: 1, enumerable: true } });
  console.log(nul, Object.create({ inherited: 1 }));
  const inherits = [];
  for (const k in Object.create({ p: 1 }, { own: { value: 1, enumerable: true } })) inherits.push(k);
  return { doubled, y: a.nested.y, assign: Object.assign({}, null, 'ab', { b: 1 }, [9]), desc: Object.getOwnPropertyDescriptor(prices, 'apple'), is: Object.is([], []), inherits, spread: { ...'hi', ...[7], ...null }, nul };
}
