// The methods of arrays that every action uses.
function main() {
  const a = Array.from({ length: 10 }, (_, i) => i + 1);
  const b = [...a];
  const cut = b.splice(2, 3, 'x');
  return {
    even: a.filter((n) => n % 2 === 0), sum: a.reduce((x, y) => x + y), right: a.reduceRight((s, x) => s + x, ''), every: a.every(Number.isInteger), some: a.some((x) => x > 10),
    idx: [a.indexOf(3), a.indexOf(33), a.lastIndexOf(10), [NaN].indexOf(NaN), [NaN].includes(NaN)], slice: a.slice(-3, -1), b, cut, join: [1, null, undefined, [2, [3]]].join('-'),
    fill: Array(3).fill().map((_, i) => i * i), copy: [1, 2, 3, 4, 5].copyWithin(0, 3), entries: [...['p', 'q'].entries()], of: Array.of(7), from: Array.from('héy'), concat: [1].concat([2], [[3]], 4), unshift: b.unshift(0),
  };
}
