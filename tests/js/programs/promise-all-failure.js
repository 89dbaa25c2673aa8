// Promise.all fails with the first failure; the others run on.
const later = (v, ms, fail) => new Promise((res, rej) => setTimeout(() => { console.log(v); (fail ? rej : res)(v); }, ms));
async function main() {
  const work = [later('a', 40), later('b', 1, true), later('c', 20, true)];
  let first;
  try { await Promise.all(work); } catch (e) { first = e; }
  await work[0];
  return { first };
}
