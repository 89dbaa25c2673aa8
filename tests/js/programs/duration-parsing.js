// ISO 8601 durations and short ones like 1h30m.
const iso = (t) => { const m = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/.exec(t); if (!m || t.length < 3) return null; const [w, d, h, mi, s] = m.slice(1).map((x) => Number(x ?? 0)); return ((((w * 7 + d) * 24 + h) * 60 + mi) * 60 + s) * 1000; };
const short = (t) => { const parts = [...t.matchAll(/(\d+(?:\.\d+)?)(ms|[dhms])/g)]; if (parts.map((p) => p[0]).join('') !== t || !t) return null; return parts.reduce((s, [, n, u]) => s + n * { d: 864e5, h: 36e5, m: 6e4, s: 1e3, ms: 1 }[u], 0); };
const human = (ms) => [[864e5, 'd'], [36e5, 'h'], [6e4, 'm'], [1e3, 's'], [1, 'ms']].reduce(([out, r], [n, u]) => (r >= n ? [`${out}${Math.floor(r / n)}${u}`, r % n] : [out, r]), ['', ms])[0] || '0ms';
function main() {
  return { iso: ['PT1H30M', 'P1DT0.5S', 'P2W', 'PT', 'P1', 'PT36H'].map(iso), short: ['1h30m', '90s', '1.5h', '100ms', '5x', ''].map(short), human: [0, 999, 61000, 90061001].map(human) };
}
