// The difference of two texts by lines, as a patch shows it.
// args: {"a": "one\ntwo\nthree\nfour", "b": "one\n2\nthree\nfour\nfive"}
function diff(a, b) {
  const t = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) for (let j = b.length - 1; j >= 0; j--) t[i][j] = a[i] === b[j] ? t[i + 1][j + 1] + 1 : Math.max(t[i + 1][j], t[i][j + 1]);
  const out = [];
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    if (i < a.length && j < b.length && a[i] === b[j]) { out.push(` ${a[i++]}`); j++; } else if (j < b.length && (i >= a.length || t[i][j + 1] > t[i + 1][j])) out.push(`+${b[j++]}`);
    else out.push(`-${a[i++]}`);
  }
  return out;
}
function main({ a, b }) {
  const lines = diff(a.split('\n'), b.split('\n'));
  lines.forEach((l) => console.log(l));
  return { added: lines.filter((l) => l[0] === '+').length, removed: lines.filter((l) => l[0] === '-').length };
}
