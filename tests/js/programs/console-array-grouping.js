// Arrays of many short members are set in columns.
function main() {
  console.log('the quick brown fox jumps over the lazy dog and runs away from it'.split(' '));
  console.log(Array.from({ length: 26 }, (_, i) => String.fromCharCode(97 + i)));
  console.log(Array.from({ length: 10 }, (_, i) => 10 ** i));
  console.log(Array.from({ length: 10 }, (_, i) => -(10 ** i) / 4));
  console.log(Array.from({ length: 9 }, (_, i) => i % 2 === 0));
  console.log(Array.from({ length: 8 }, (_, i) => ({ i })));
  console.log(Array.from({ length: 7 }, (_, i) => [i, i * 2]));
  console.log(Array.from({ length: 8 }, (_, i) => (i % 2 ? `s${i}` : i)));
  console.log({ deep: { list: Array.from({ length: 20 }, (_, i) => i * 111) } });
}
