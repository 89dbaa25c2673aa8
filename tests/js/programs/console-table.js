// console.table of rows, of arrays, with chosen columns.
function main() {
  console.table([{ city: 'Oslo', temp: -3.5 }, { city: 'Rome', temp: 14, wet: true }]);
  console.table([['a', 1], ['b', 2, 'extra']]);
  console.table([{ a: 1, b: 2 }, { a: 3, b: 4 }], ['b']);
  console.table({ x: { v: 1 }, y: { v: 'two' } });
  console.table([1, 'two', { three: 3 }]);
  console.table('just text');
  console.table([]);
  console.table(new Map([['k', 1], ['l', { m: 2 }]]));
  console.table([{ name: '東京', n: null }, { name: 'é', n: undefined }]);
}
