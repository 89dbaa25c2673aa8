// count, countReset and assert.
function main() {
  console.count();
  console.count();
  console.count('x');
  console.count('default');
  console.countReset();
  console.count();
  console.assert(true, 'not shown');
  console.assert(false);
  console.assert(0, 'shown %s', 'formatted');
  console.assert(null, { an: 'object' });
}
