// for await over promises, plain values and failures.
async function main() {
  const log = [];
  for await (const v of [new Promise((r) => setTimeout(r, 5, 'slow')), 'plain', Promise.resolve('done')]) log.push(v);
  async function* g() { try { yield 1; yield Promise.reject(new Error('inside')); yield 3; } finally { log.push('cleanup'); } }
  try { for await (const v of g()) log.push(v); } catch (e) { log.push(e.message); }
  const it = g();
  log.push(await it.next(), await it.return('early'), await it.next());
  return { log };
}
