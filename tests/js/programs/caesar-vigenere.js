// Old ciphers, and breaking one by letter counts.
const shift = (s, k) => s.replace(/[a-z]/gi, (c) => { const a = c < 'a' ? 65 : 97; return String.fromCharCode(((c.charCodeAt(0) - a + k + 26) % 26) + a); });
const vigenere = (s, key, sign = 1) => { let i = 0; return s.replace(/[a-z]/g, (c) => shift(c, sign * (key.charCodeAt(i++ % key.length) - 97))); };
function crack(s) { const f = [...'etaoin']; return Array.from({ length: 26 }, (_, k) => shift(s, -k)).map((t, k) => [[...t.toLowerCase()].filter((c) => f.includes(c)).length, k]).sort((a, b) => b[0] - a[0] || a[1] - b[1])[0][1]; }
function main() {
  const secret = shift('Meet me at the station at nine tonight', 7);
  return { secret, key: crack(secret), plain: shift(secret, -crack(secret)), rot13: shift(shift('Hello', 13), 13), vig: vigenere('attackatdawn', 'lemon'), back: vigenere(vigenere('attackatdawn', 'lemon'), 'lemon', -1), morse: [...'sos'].map((c) => ({ s: '...', o: '---' })[c]).join(' ') };
}
