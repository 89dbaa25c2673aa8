// Longest substring without repeats, maxima of windows, two sums.
function longest(s) { const last = new Map(); let start = 0, best = [0, 0]; [...s].forEach((c, i) => { if (last.get(c) >= start) start = last.get(c) + 1; last.set(c, i); if (i - start + 1 > best[1]) best = [start, i - start + 1]; }); return s.substr(...best); }
function maxima(xs, k) { const q = [], out = []; xs.forEach((x, i) => { while (q.length && xs[q.at(-1)] <= x) q.pop(); q.push(i); if (q[0] <= i - k) q.shift(); if (i >= k - 1) out.push(xs[q[0]]); }); return out; }
function twoSum(xs, t) { const seen = new Map(); for (const [i, x] of xs.entries()) { if (seen.has(t - x)) return [seen.get(t - x), i]; seen.set(x, i); } return null; }
function main() {
  const brackets = (s) => { const st = []; for (const c of s) { if ('([{'.includes(c)) st.push(c); else if (')]}'.includes(c) && '([{'.indexOf(st.pop()) !== ')]}'.indexOf(c)) return false; } return !st.length; };
  return { longest: ['abcabcbb', 'bbbbb', 'pwwkew', ''].map(longest), maxima: maxima([1, 3, -1, -3, 5, 3, 6, 7], 3), two: [twoSum([2, 7, 11, 15], 9), twoSum([1], 2)], brackets: ['([]{})', '([)]', '((', ''].map(brackets) };
}
