// finally passes values through, unless it fails itself.
async function main() {
  const log = [];
  const a = await Promise.resolve('v').finally(() => 'ignored');
  const b = await Promise.reject(new Error('e')).finally(() => log.push('ran')).catch((e) => e.message);
  const c = await Promise.resolve('v').finally(() => { throw new Error('from finally'); }).catch((e) => e.message);
  const d = await Promise.resolve('v').then(null, () => 'x').then(undefined).then(5);
  const e = await Promise.reject('r').then(() => 'no').catch(async (r) => { await null; return `caught ${r}`; });
  return { a, b, c, d, e, log };
}
