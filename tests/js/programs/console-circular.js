// Circles are marked, also several and in maps.
function main() {
  const a = { name: 'a' };
  a.self = a;
  a.list = [a, { up: a }];
  console.log(a);
  const x = { n: 1 }, y = { n: 2, x };
  x.y = y;
  console.log(x);
  console.log({ outer: x, other: y });
  const m = new Map();
  m.set('me', m);
  console.log(m);
  const s = [1];
  s.push(s);
  console.log(s, [s, s]);
  const shared = { k: 1 };
  console.log({ p: shared, q: shared });
}
