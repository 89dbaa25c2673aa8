// Counts words, ignoring case and short ones, and gives the most frequent.
// args: {"text": "It was the best of times, it was the worst of times; it was the AGE of wisdom. Don't panic, don't. Müller müller"}
function main({ text }) {
  const counts = {};
  for (const [w] of text.toLowerCase().matchAll(/[\p{L}']+/gu)) if (w.length > 2) counts[w] = (counts[w] || 0) + 1;
  const top = Object.entries(counts).sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).slice(0, 6);
  console.log(Object.fromEntries(top));
  const letters = [...text.toLowerCase()].filter((c) => /[a-z]/.test(c)).reduce((m, c) => m.set(c, (m.get(c) ?? 0) + 1), new Map());
  return { top, letters: [...letters].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).slice(0, 4), words: text.split(/\s+/).length, longest: text.split(/\W+/).reduce((a, b) => (b.length > a.length ? b : a)) };
}
