// The next moments of a cron expression, in UTC.
// args: {"from": "2024-02-28T23:58:30Z", "specs": ["*/15 * * * *", "0 12 * * 1-5", "30 6 29 2 *", "5,10 0 1 */3 *"]}
const field = (spec, lo, hi) => new Set(spec.split(',').flatMap((part) => { const [range, step = 1] = part.split('/'); const [a, b = part.includes('/') ? hi : a] = range === '*' ? [lo, hi] : range.split('-'); const out = []; for (let i = +a; i <= +b; i += +step) out.push(i); return out; }));
function next(spec, from) {
  const [min, hour, day, mon, dow] = spec.split(' ').map((s, i) => field(s, ...[[0, 59], [0, 23], [1, 31], [1, 12], [0, 6]][i]));
  const d = new Date(Math.floor(from / 60000) * 60000 + 60000);
  for (let i = 0; i < 5000; i++) {
    if (!mon.has(d.getUTCMonth() + 1)) d.setTime(Date.UTC(d.getUTCFullYear(), d.getUTCMonth() + 1, 1));
    else if (!day.has(d.getUTCDate()) || !dow.has(d.getUTCDay())) d.setTime(Date.UTC(d.getUTCFullYear(), d.getUTCMonth(), d.getUTCDate() + 1));
    else if (!hour.has(d.getUTCHours())) d.setUTCHours(d.getUTCHours() + 1, 0);
    else if (!min.has(d.getUTCMinutes())) d.setUTCMinutes(d.getUTCMinutes() + 1);
    else return d;
  }
  return null;
}
function main({ from, specs }) {
  return Object.fromEntries(specs.map((s) => { const times = []; for (let t = Date.parse(from); times.length < 3;) { t = +next(s, t); times.push(new Date(t).toISOString().slice(0, 16)); } return [s, times]; }));
}
