// Promise.allSettled tells of each input how it went.
async function main() {
  const r = await Promise.allSettled([Promise.resolve(1), Promise.reject(new Error('two')), 3, Promise.reject('four')]);
  console.log(r[0], r[3]);
  return r.map(({ status, value, reason }) => ({ status, value, reason: reason?.message ?? reason }));
}
