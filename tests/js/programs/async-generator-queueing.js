// Calls of next are queued in an async generator.
async function* numbers() {
  for (let i = 1; ; i++) { await new Promise((r) => setTimeout(r, 1)); const x = yield i; if (x) console.log('got', x); }
}
async function main() {
  const g = numbers();
  const three = await Promise.all([g.next(), g.next('a'), g.next('b')]);
  const end = await Promise.all([g.return('r'), g.next()]);
  return { three, end, tag: g[Symbol.toStringTag] };
}
