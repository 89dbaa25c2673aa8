// Retry with growing pauses until it works.
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
async function retry(f, { times = 5, base = 1 } = {}) {
  for (let attempt = 1; ; attempt++) {
    try { return { value: await f(attempt), attempt }; } catch (e) {
      console.warn(`attempt ${attempt} failed: ${e.message}`);
      if (attempt === times) throw new Error(`gave up after ${times}`, { cause: e });
      await sleep(base * 2 ** attempt);
    }
  }
}
async function main() {
  const good = await retry((n) => { if (n < 3) throw new Error(`not yet (${n})`); return 'finally'; });
  const bad = await retry(async () => { throw new Error('never'); }, { times: 2 }).catch((e) => [e.message, e.cause.message]);
  return { good, bad };
}
