// Roman numerals there and back, with checks.
const table = [[1000, 'M'], [900, 'CM'], [500, 'D'], [400, 'CD'], [100, 'C'], [90, 'XC'], [50, 'L'], [40, 'XL'], [10, 'X'], [9, 'IX'], [5, 'V'], [4, 'IV'], [1, 'I']];
const toRoman = (n) => table.reduce(([s, r], [v, t]) => [s + t.repeat(Math.floor(r / v)), r % v], ['', n])[0];
const fromRoman = (s) => {
  if (!/^M{0,3}(CM|CD|D?C{0,3})(XC|XL|L?X{0,3})(IX|IV|V?I{0,3})$/.test(s) || !s) throw new SyntaxError(`not a Roman numeral: ${s}`);
  return [...s].map((c) => ({ I: 1, V: 5, X: 10, L: 50, C: 100, D: 500, M: 1000 })[c]).reduce((sum, v, i, a) => sum + (v < (a[i + 1] ?? 0) ? -v : v), 0);
};
function main() {
  const all = Array.from({ length: 3999 }, (_, i) => i + 1);
  return { some: [1, 4, 9, 14, 40, 90, 400, 1994, 2024, 3999].map(toRoman), back: all.every((n) => fromRoman(toRoman(n)) === n), bad: ['IIII', 'VX', '', 'ABC'].map((s) => { try { return fromRoman(s); } catch (e) { return e.message; } }) };
}
