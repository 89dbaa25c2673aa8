// How values print on their own and inside an array.
function main() {
  const v = ['text', "it's", 'both \' and "', 'all \' " `', 'nl\n tab\t', '', 0, -0, 1.50, 1e21, NaN, Infinity, 5n, true, null, undefined, Symbol('x'), Symbol(), '\u0000\u001b\u007f', 'é😀', '\\'];
  for (const x of v) console.log(x);
  console.log(v);
  console.log();
  console.log('');
  console.log([''], [[]], [{}]);
}
