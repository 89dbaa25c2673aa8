// Arrays: short, long, of numbers, of strings, with more than a hundred.
function main() {
  console.log([]);
  console.log([1, 2, 3], ['a', 'b']);
  console.log([1, 2, 3, 4, 5, 6]);
  console.log([1, 2, 3, 4, 5, 6, 7]);
  console.log(Array.from({ length: 30 }, (_, i) => i * i));
  console.log(Array.from({ length: 120 }, (_, i) => i));
  console.log(Array.from({ length: 12 }, (_, i) => 'word'.repeat(1 + (i % 3))));
  console.log([[1, 2, [3, 4, [5, [6]]]], { a: [{ b: { c: {} } }] }]);
  console.log([undefined, null, NaN, -0, , 'end']);
  console.log([1.5, -22.25, 333, 4e21, 5, 6, 7]);
  console.log(['a long text in an array number one', 'a long text in an array number two', 'x']);
}
