// Run length and LZ77 style packing there and back.
const rle = (s) => s.replace(/(.)\1*/gs, (run, c) => (run.length > 1 ? run.length : '') + c);
const unrle = (s) => s.replace(/(\d+)(\D)/gs, (_, n, c) => c.repeat(n));
function lz(s) { const out = []; for (let i = 0; i < s.length;) { let best = [0, 0]; for (let j = Math.max(0, i - 32); j < i; j++) { let n = 0; while (s[j + n] === s[i + n] && i + n < s.length) n++; if (n > best[1]) best = [i - j, n]; } if (best[1] > 2) { out.push(best); i += best[1]; } else out.push(s[i++]); } return out; }
const unlz = (t) => t.reduce((s, x) => { if (typeof x === 'string') return s + x; for (let k = 0; k < x[1]; k++) s += s.at(-x[0]); return s; }, '');
function main() {
  const words = ['aaabccddddd', 'abc', 'x'.repeat(30), ''];
  const text = 'blah blah blah blah blah!';
  return { rle: words.map(rle), same: words.every((w) => unrle(rle(w)) === w), lz: lz(text), back: unlz(lz(text)) === text };
}
