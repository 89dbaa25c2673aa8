// Arrays are results too.
// args: {"numbers": [3, 1, 2]}
function main({ numbers }) {
  return numbers.map((n) => ({ n, square: n * n })).sort((a, b) => a.n - b.n);
}
