// Solves a sudoku by backtracking.
// args: {"grid": "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"}
function main({ grid }) {
  const g = [...grid].map((c) => (c === '.' ? 0 : +c));
  let tries = 0;
  const free = (i) => { const r = Math.floor(i / 9), c = i % 9, used = new Set(); for (let k = 0; k < 9; k++) { used.add(g[r * 9 + k]); used.add(g[k * 9 + c]); used.add(g[(Math.floor(r / 3) * 3 + Math.floor(k / 3)) * 9 + Math.floor(c / 3) * 3 + (k % 3)]); } return [1, 2, 3, 4, 5, 6, 7, 8, 9].filter((v) => !used.has(v)); };
  const solve = () => { const i = g.indexOf(0); if (i < 0) return true; for (const v of free(i)) { tries++; g[i] = v; if (solve()) return true; } g[i] = 0; return false; };
  const solved = solve();
  return { solved, tries, rows: Array.from({ length: 9 }, (_, r) => g.slice(r * 9, r * 9 + 9).join('')) };
}
