// Padding, searching, cutting and repeating strings.
function main() {
  const s = 'The quick brown fox';
  return {
    pad: ['7'.padStart(3, '0'), 'ab'.padEnd(7, '12345'), 'long'.padStart(2)], at: [s.at(-1), s.at(99), s.charAt(4), s[100]], search: [s.indexOf('q'), s.lastIndexOf('o'), s.includes('brown'), s.startsWith('quick', 4), s.endsWith('fox')],
    cut: [s.slice(-3), s.substring(9, 4), s.substr(-9, 5)], trim: ['  x\n\u00a0\ufeff'.trim(), ' x '.trimStart(), ' x '.trimEnd()], repeat: 'ab'.repeat(3), cases: ['ß'.toUpperCase(), 'İ'.toLowerCase().length, 'ΑΣ'.toLowerCase()],
    concat: 'a'.concat(1, null), code: ['A'.charCodeAt(0), '😀'.codePointAt(0), '😀'.charCodeAt(1), String.fromCharCode(72, 105), String.fromCodePoint(128512)], cmp: 'a' < 'B', well: ['ok'.isWellFormed(), '\ud800'.isWellFormed(), 'a\udc00b'.toWellFormed()],
  };
}
