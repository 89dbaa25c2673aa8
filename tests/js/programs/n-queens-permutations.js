// Queens, permutations, combinations and power sets with generators.
function* permutations(a) { if (a.length < 2) { yield a; return; } for (let i = 0; i < a.length; i++) for (const p of permutations([...a.slice(0, i), ...a.slice(i + 1)])) yield [a[i], ...p]; }
function* combinations(a, k, from = 0, got = []) { if (got.length === k) { yield got; return; } for (let i = from; i < a.length; i++) yield* combinations(a, k, i + 1, [...got, a[i]]); }
function queens(n, cols = []) { if (cols.length === n) return 1; let c = 0; for (let x = 0; x < n; x++) if (cols.every((q, y) => q !== x && Math.abs(q - x) !== cols.length - y)) c += queens(n, [...cols, x]); return c; }
function main() {
  return { queens: [1, 4, 6, 7].map((n) => queens(n)), perms: [...permutations([1, 2, 3])].map((p) => p.join('')), combs: [...combinations(['a', 'b', 'c', 'd'], 2)].map((c) => c.join('')), subsets: [1, 2, 3].reduce((s, x) => s.concat(s.map((y) => [...y, x])), [[]]), count: [...permutations([...'abcdef'])].length };
}
