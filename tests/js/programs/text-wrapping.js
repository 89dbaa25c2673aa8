// Wrapping, aligning and justifying of text.
// args: {"text": "The quick brown fox jumps over the lazy dog, and then extraordinarilylongwords appear.", "width": 20}
function wrap(text, width) {
  const lines = [''];
  for (let w of text.split(/\s+/)) {
    while (w.length > width) { if (lines.at(-1)) lines.push(''); lines[lines.length - 1] = w.slice(0, width); w = w.slice(width); lines.push(''); }
    if ((`${lines.at(-1)} ${w}`).trim().length <= width) lines[lines.length - 1] = `${lines.at(-1)} ${w}`.trim(); else lines.push(w);
  }
  return lines;
}
const justify = (l, n) => { const ws = l.split(' '); if (ws.length < 2) return l; const gaps = n - ws.join('').length; return ws.map((w, i) => (i < ws.length - 1 ? w + ' '.repeat(Math.floor(gaps / (ws.length - 1)) + (i < gaps % (ws.length - 1) ? 1 : 0)) : w)).join(''); };
function main({ text, width }) {
  const lines = wrap(text, width);
  for (const l of lines) console.log(`|${justify(l, width).padEnd(width)}|${l.padStart(width)}|${l.padStart((width + l.length) >> 1).padEnd(width)}|`);
  return { lines };
}
