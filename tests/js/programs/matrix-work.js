// Products, transposition, determinant and inverse of matrices.
const mul = (a, b) => a.map((r) => b[0].map((_, j) => r.reduce((s, x, k) => s + x * b[k][j], 0)));
const transpose = (m) => m[0].map((_, j) => m.map((r) => r[j]));
const det = (m) => (m.length === 1 ? m[0][0] : m[0].reduce((s, x, j) => s + (j % 2 ? -1 : 1) * x * det(m.slice(1).map((r) => r.filter((_, k) => k !== j))), 0));
function inverse(m) {
  const n = m.length, a = m.map((r, i) => [...r, ...r.map((_, j) => +(i === j))]);
  for (let c = 0; c < n; c++) {
    const p = a.findIndex((r, i) => i >= c && r[c] !== 0);
    if (p < 0) throw new Error('singular');
    [a[c], a[p]] = [a[p], a[c]];
    const pivot = a[c][c];
    a[c] = a[c].map((x) => x / pivot);
    for (let r = 0; r < n; r++) if (r !== c) { const f = a[r][c]; a[r] = a[r].map((x, j) => x - f * a[c][j]); }
  }
  return a.map((r) => r.slice(n));
}
function main() {
  const m = [[2, 0, 1], [1, 3, 2], [1, 1, 4]];
  let bad;
  try { inverse([[1, 2], [2, 4]]); } catch (e) { bad = e.message; }
  const id = mul(m, inverse(m)).map((r) => r.map((x) => Math.round(x * 1e9) / 1e9 + 0));
  console.log(m);
  return { mul: mul([[1, 2]], [[3], [4]]), t: transpose([[1, 2, 3], [4, 5, 6]]), det: det(m), id, bad, spiral: [[1, 2, 3], [8, 9, 4], [7, 6, 5]].flat().sort().join('') };
}
