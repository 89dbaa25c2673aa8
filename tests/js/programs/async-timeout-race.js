// A time limit around slow work.
class TimeoutError extends Error { name = 'TimeoutError'; }
function withTimeout(p, ms) {
  let t;
  const limit = new Promise((_, rej) => { t = setTimeout(() => rej(new TimeoutError(`no answer in ${ms} ms`)), ms); });
  return Promise.race([p, limit]).finally(() => clearTimeout(t));
}
async function main() {
  const quick = await withTimeout(new Promise((r) => setTimeout(r, 1, 'quick')), 500);
  const slow = await withTimeout(new Promise((r) => setTimeout(r, 500, 'slow')), 10).catch((e) => `${e.name}: ${e.message}`);
  return { quick, slow };
}
