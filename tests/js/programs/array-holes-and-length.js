// Holes, length, and objects that look like arrays.
function main() {
  const h = [1, , 3];
  const visited = [];
  h.forEach((v, i) => visited.push(i));
  const a = [1, 2, 3, 4];
  a.length = 2;
  a[5] = 'far';
  console.log(h, a, [, ,], new Array(3), Object.assign([1], { extra: true }));
  return { visited, keys: Object.keys(a), len: a.length, map: h.map((x) => x * 2), in: 1 in h, json: JSON.stringify(h), like: Array.prototype.map.call({ length: 2, 0: 'a', 1: 'b' }, (x) => x + x), str: String([1, [2, , 3], null]) };
}
