// Intervals of dates: overlaps, gaps and merging.
const day = (t) => Date.parse(`${t}T00:00:00Z`) / 86400000;
const text = (d) => new Date(d * 86400000).toISOString().slice(0, 10);
function merge(ranges) { return ranges.toSorted((a, b) => a[0] - b[0]).reduce((out, [s, e]) => { const last = out.at(-1); if (last && s <= last[1] + 1) last[1] = Math.max(last[1], e); else out.push([s, e]); return out; }, []); }
function main() {
  const bookings = [['2024-02-26', '2024-03-02'], ['2024-03-01', '2024-03-05'], ['2024-03-10', '2024-03-12'], ['2024-03-06', '2024-03-06']].map((r) => r.map(day));
  const merged = merge(bookings);
  const gaps = merged.slice(1).map(([s], i) => [merged[i][1] + 1, s - 1].map(text));
  const clash = bookings.flatMap((a, i) => bookings.slice(i + 1).filter((b) => a[0] <= b[1] && b[0] <= a[1]).map((b) => [text(Math.max(a[0], b[0])), text(Math.min(a[1], b[1]))]));
  const weekend = merged.flatMap(([s, e]) => Array.from({ length: e - s + 1 }, (_, i) => s + i)).filter((d) => [0, 6].includes(new Date(d * 86400000).getUTCDay())).length;
  return { merged: merged.map((r) => r.map(text)), gaps, clash, weekend };
}
