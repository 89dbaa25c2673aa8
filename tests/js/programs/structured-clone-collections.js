// structuredClone of maps, sets, dates, circles and typed arrays.
function main() {
  const o = { d: new Date(5), m: new Map([['k', { v: 1 }]]), s: new Set([1, [2]]), r: /a+/gi, u: undefined, n: [NaN, -0, 10n], t: new Float32Array([1.5]), box: Object('s'), hole: [1, , 3] };
  o.self = o;
  o.shared = [o.m, o.m];
  const c = structuredClone(o);
  c.m.get('k').v = 2;
  console.log(c);
  return { self: c.self === c, shared: c.shared[0] === c.m && c.shared[1] === c.m, date: c.d.getTime(), old: o.m.get('k').v, re: [String(c.r), c.r.lastIndex], undef: 'u' in c, zero: Object.is(c.n[1], -0), t: c.t[0], hole: 1 in c.hole };
}
