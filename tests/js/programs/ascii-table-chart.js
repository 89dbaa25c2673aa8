// A table with aligned columns and a bar chart as text.
// args: {"data": {"Jan": 12.5, "Feb": 7, "Mär": -3.25, "Apr": 20}}
function table(rows) {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((r) => String(r[i]).length)));
  const line = (r) => `| ${r.map((c, i) => (typeof c === 'number' ? String(c).padStart(widths[i]) : String(c).padEnd(widths[i]))).join(' | ')} |`;
  return [line(rows[0]), `|${widths.map((w) => '-'.repeat(w + 2)).join('|')}|`, ...rows.slice(1).map(line)];
}
function main({ data }) {
  const rows = Object.entries(data);
  for (const l of table([['month', 'mm'], ...rows])) console.log(l);
  const max = Math.max(...rows.map(([, v]) => Math.abs(v)));
  for (const [k, v] of rows) console.log(`${k} ${(v < 0 ? '-' : '#').repeat(Math.round((Math.abs(v) / max) * 20))} ${v}`);
  const spark = rows.map(([, v]) => '▁▂▃▄▅▆▇█'[Math.min(7, Math.max(0, Math.floor((v / max) * 8)))]).join('');
  return { spark, sum: rows.reduce((s, [, v]) => s + v, 0) };
}
