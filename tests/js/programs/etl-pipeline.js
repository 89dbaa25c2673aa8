// Extract, clean, enrich and load rows, with counts of every step.
// args: {"rows": [" 1;Oslo;NO;59.91,10.75", "2;Bern;CH;46.95,7.45", "2;Bern;CH;46.95,7.45", "x;Nowhere", "3;Rome;IT;41.9,12.5"]}
const steps = {
  parse: (rows) => rows.map((r) => r.trim().split(';')).filter((c) => c.length === 4).map(([id, city, country, at]) => ({ id: +id, city, country, at: at.split(',').map(Number) })),
  unique: (rows) => [...new Map(rows.map((r) => [r.id, r])).values()],
  distance: (rows) => rows.map((r) => { const [a, b] = [r.at, [52.52, 13.4]].map((p) => p.map((d) => (d * Math.PI) / 180)); const h = Math.sin((b[0] - a[0]) / 2) ** 2 + Math.cos(a[0]) * Math.cos(b[0]) * Math.sin((b[1] - a[1]) / 2) ** 2; return { ...r, km: Math.round(12742 * Math.asin(Math.sqrt(h))) }; }),
  order: (rows) => rows.toSorted((a, b) => a.km - b.km),
};
function main({ rows }) {
  const counts = [['input', rows.length]];
  const out = Object.entries(steps).reduce((r, [name, f]) => { const next = f(r); counts.push([name, next.length]); console.log('%s: %d rows', name.padEnd(9), next.length); return next; }, rows);
  return { counts: Object.fromEntries(counts), out };
}
