// Parses rows of weather and gives the mean of each month.
// args: {"csv": "date,station,temp\n2024-01-01,A,-3.5\n2024-01-15,A,1.5\n2024-02-01,A,4\n2024-02-10,B,\n2024-02-29,B,6.25\nbad row\n2024-03-01,A,x\n"}
function main({ csv }) {
  const [head, ...lines] = csv.trim().split('\n');
  const names = head.split(',');
  const months = new Map();
  let skipped = 0;
  for (const [i, line] of lines.entries()) {
    const cells = line.split(',');
    const row = Object.fromEntries(names.map((n, j) => [n, cells[j]]));
    const temp = parseFloat(row.temp);
    if (cells.length !== names.length || Number.isNaN(temp)) { console.warn('line %d skipped: %j', i + 2, line); skipped++; continue; }
    const key = row.date.slice(0, 7);
    const m = months.get(key) ?? { n: 0, sum: 0, min: Infinity, max: -Infinity };
    months.set(key, { n: m.n + 1, sum: m.sum + temp, min: Math.min(m.min, temp), max: Math.max(m.max, temp) });
  }
  console.log(months);
  return { months: Object.fromEntries([...months].map(([k, m]) => [k, { mean: +(m.sum / m.n).toFixed(2), min: m.min, max: m.max, n: m.n }])), skipped };
}
