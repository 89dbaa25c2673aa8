// toSorted, toReversed, toSpliced, with, findLast, at, flat and flatMap.
function main() {
  const a = [3, 1, 2];
  let range;
  try { a.with(9, 0); } catch (e) { range = e.name; }
  return {
    sorted: a.toSorted(), reversed: a.toReversed(), spliced: a.toSpliced(1, 1, 'x', 'y'), with: a.with(-1, 9), a, range,
    last: [a.findLast((x) => x > 1), a.findLastIndex((x) => x > 5)], at: [a.at(-1), a.at(5)], flat: [1, [2, [3, [4]]]].flat(), deep: [1, [2, [3, [4]]]].flat(Infinity),
    flatMap: ['a b', 'c'].flatMap((s) => s.split(' ')), holes: [1, , 3].toSorted().length, has: Object.hasOwn({ k: 1 }, 'k'),
  };
}
