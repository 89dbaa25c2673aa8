// Tagged templates: raw text, escaping of values and cached strings.
const html = (s, ...v) => s.reduce((out, part, i) => out + part + (i < v.length ? String(v[i]).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`) : ''), '');
const seen = new Set();
const same = (s) => { seen.add(s); return seen.size; };
function main() {
  const raw = String.raw`a\n${1 + 1}\u0041`;
  const strings = ((s) => [s[0], s.raw[0], Object.isFrozen(s)])`\x41\t`;
  const bad = ((s) => s[0] === undefined)`\unicode`;
  let n;
  for (let i = 0; i < 3; i++) n = same`x`;
  return { html: html`<p title="${'"hi"'}">${'<b> & co'}</p>`, raw, strings, bad, n, nested: `a${`b${`c`}`}`, multi: `1
2` };
}
