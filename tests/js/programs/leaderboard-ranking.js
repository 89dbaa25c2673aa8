// Ranks with ties, percentiles and medals.
// args: {"scores": {"ann": 50, "bob": 70, "cy": 70, "dee": 20, "eve": 90}}
function main({ scores }) {
  const sorted = Object.entries(scores).sort(([a, x], [b, y]) => y - x || a.localeCompare(b));
  let rank = 0;
  const rows = sorted.map(([name, score], i) => { if (i === 0 || sorted[i - 1][1] !== score) rank = i + 1; return { rank, name, score, percentile: Math.round((sorted.filter(([, s]) => s <= score).length / sorted.length) * 100) }; });
  for (const { rank: r, name, score } of rows) console.log(`${['🥇', '🥈', '🥉'][r - 1] ?? `${r}.`} ${name.padEnd(5)}${String(score).padStart(4)}`);
  return { rows };
}
