// At most two jobs at a time.
async function pool(jobs, limit) {
  const results = [];
  let next = 0, active = 0, most = 0;
  const worker = async () => {
    while (next < jobs.length) { const i = next++; most = Math.max(most, ++active); results[i] = await jobs[i](); active--; }
  };
  await Promise.all(Array.from({ length: limit }, worker));
  return { results, most };
}
function main() {
  const jobs = [30, 5, 10, 1, 20].map((ms, i) => () => new Promise((r) => setTimeout(r, ms, `job ${i}`)));
  return pool(jobs, 2);
}
