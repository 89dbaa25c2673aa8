// A lexer with the sticky flag and lastIndex.
function lex(src) {
  const re = /\s*(?:(?<num>\d+(?:\.\d+)?)|(?<id>[a-z_]\w*)|(?<op>[-+*\/()=]))/iy;
  const out = [];
  while (re.lastIndex < src.trimEnd().length) {
    const at = re.lastIndex;
    const m = re.exec(src);
    if (!m) throw new Error(`unexpected ${JSON.stringify(src[at])} at ${at}`);
    const [kind, text] = Object.entries(m.groups).find(([, v]) => v !== undefined);
    out.push(`${kind}:${text}`);
  }
  return out;
}
function main() {
  let failure;
  try { lex('a + $'); } catch (e) { failure = e.message; }
  return { tokens: lex('area = 3.14 * (r_1 * r_1) '), failure };
}
