// The same work one after the other and all at once.
async function main() {
  const log = [];
  const job = async (n) => { log.push(`+${n}`); await new Promise((r) => setTimeout(r, 10 * n)); log.push(`-${n}`); return n * n; };
  const seq = [];
  for (const n of [3, 1, 2]) seq.push(await job(n));
  log.push('|');
  const par = await Promise.all([3, 1, 2].map(job));
  const chain = await [1, 2, 3].reduce(async (acc, n) => (await acc) + n, Promise.resolve(10));
  return { seq, par, chain, log: log.join(' ') };
}
