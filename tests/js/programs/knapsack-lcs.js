// Dynamic programming: knapsack, longest common subsequence, change of coins.
function knapsack(items, cap) { const best = Array(cap + 1).fill(0); for (const { w, v } of items) for (let c = cap; c >= w; c--) best[c] = Math.max(best[c], best[c - w] + v); return best[cap]; }
function lcs(a, b) {
  const t = Array.from({ length: a.length + 1 }, () => Array(b.length + 1).fill(''));
  for (let i = 1; i <= a.length; i++) for (let j = 1; j <= b.length; j++) t[i][j] = a[i - 1] === b[j - 1] ? t[i - 1][j - 1] + a[i - 1] : t[i - 1][j].length >= t[i][j - 1].length ? t[i - 1][j] : t[i][j - 1];
  return t[a.length][b.length];
}
const ways = (coins, sum) => coins.reduce((w, c) => { for (let s = c; s <= sum; s++) w[s] += w[s - c]; return w; }, [1, ...Array(sum).fill(0)])[sum];
function main() {
  return { knapsack: knapsack([{ w: 1, v: 1 }, { w: 3, v: 4 }, { w: 4, v: 5 }, { w: 5, v: 7 }], 7), lcs: lcs('AGGTABQX', 'GXTXAYBX'), ways: ways([1, 2, 5, 10, 20, 50, 100, 200], 200) };
}
