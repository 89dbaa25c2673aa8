// Grouping and counting by several criteria.
const people = 'Ann:F:34,Bob:M:27,Cid:M:61,Dot:F:45,Eve:F:27,Fay:F:61'.split(',').map((t) => { const [name, sex, age] = t.split(':'); return { name, sex, age: +age }; });
const groupBy = (xs, f) => xs.reduce((m, x) => m.set(f(x), [...(m.get(f(x)) ?? []), x]), new Map());
function main() {
  const decade = (p) => `${Math.floor(p.age / 10) * 10}s`;
  const nested = Object.fromEntries([...groupBy(people, (p) => p.sex)].map(([k, v]) => [k, Object.fromEntries([...groupBy(v, decade)].map(([d, ps]) => [d, ps.map((p) => p.name)]))]));
  const stats = [...groupBy(people, decade)].map(([d, ps]) => ({ d, n: ps.length, mean: ps.reduce((s, p) => s + p.age, 0) / ps.length })).sort((a, b) => a.d.localeCompare(b.d));
  const [over, under] = people.reduce(([o, u], p) => (p.age > 40 ? [[...o, p.name], u] : [o, [...u, p.name]]), [[], []]);
  return { nested, stats, over, under };
}
