// Some hundred milliseconds of computing: strings, objects, numbers.
function main() {
  let h = 0;
  for (let i = 0; i < 300000; i++) h = (Math.imul(h, 31) + (i ^ (h >>> 7))) | 0;
  const words = {};
  for (let i = 0; i < 20000; i++) { const k = `w${(i * 7919) % 997}`; words[k] = (words[k] ?? 0) + 1; }
  const mandel = Array.from({ length: 12 }, (_, y) => Array.from({ length: 40 }, (_, x) => { let a = 0, b = 0, n = 0; const [cx, cy] = [x / 16 - 2, y / 6 - 1]; while (a * a + b * b < 4 && n < 50) { [a, b] = [a * a - b * b + cx, 2 * a * b + cy]; n++; } return n === 50 ? '#' : n > 5 ? '+' : '.'; }).join(''));
  mandel.forEach((l) => console.log(l));
  return { h, kinds: Object.keys(words).length, most: Math.max(...Object.values(words)), joined: Array.from({ length: 5000 }, (_, i) => i).join('').length };
}
