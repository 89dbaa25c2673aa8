// Promise.any: the first success wins, failures are collected.
const later = (v, ms, fail) => new Promise((res, rej) => setTimeout(fail ? rej : res, ms, v));
async function main() {
  const first = await Promise.any([later('fails early', 1, true), later('good', 30), later('slow', 60)]);
  let errors;
  try { await Promise.any([Promise.reject('x'), later('y', 1, true)]); } catch (e) { errors = e.errors; }
  const empty = await Promise.any([]).catch((e) => [e.name, e.errors.length]);
  return { first, errors, empty };
}
