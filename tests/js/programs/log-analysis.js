// Analyses lines of an access log.
// args: {"lines": ["10.0.0.1 - - [10/Mar/2024:10:00:01 +0000] \"GET /a HTTP/1.1\" 200 120", "10.0.0.2 - bob [10/Mar/2024:10:00:02 +0000] \"POST /b HTTP/1.1\" 500 33", "10.0.0.1 - - [10/Mar/2024:11:30:00 +0100] \"GET /a?x=1 HTTP/1.1\" 304 0", "garbage"]}
const RE = /^(?<ip>\S+) \S+ (?<user>\S+) \[(?<d>\d+)\/(?<mon>\w+)\/(?<y>\d+):(?<t>[\d:]+) (?<z>[+-]\d{4})\] "(?<verb>\S+) (?<path>[^" ]+)[^"]*" (?<status>\d+) (?<size>\d+)$/;
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
function main({ lines }) {
  const hits = lines.map((l) => RE.exec(l)?.groups).filter(Boolean).map((g) => ({ ...g, at: new Date(`${g.y}-${String(MONTHS.indexOf(g.mon) + 1).padStart(2, '0')}-${g.d}T${g.t}${g.z.slice(0, 3)}:${g.z.slice(3)}`), status: +g.status, size: +g.size }));
  const count = (f) => hits.reduce((m, h) => ({ ...m, [f(h)]: (m[f(h)] ?? 0) + 1 }), {});
  console.log(hits[1]);
  return { bad: lines.length - hits.length, byStatus: count((h) => `${Math.floor(h.status / 100)}xx`), byIp: count((h) => h.ip), bytes: hits.reduce((s, h) => s + h.size, 0), paths: count((h) => h.path.split('?')[0]), times: hits.map((h) => h.at.toISOString()) };
}
