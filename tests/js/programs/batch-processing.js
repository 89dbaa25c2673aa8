// Batches of work with partial failures and a report.
// args: {"ids": [1, 2, 3, 4, 5, 6, 7], "size": 3}
const chunk = (xs, n) => Array.from({ length: Math.ceil(xs.length / n) }, (_, i) => xs.slice(i * n, i * n + n));
async function work(id) {
  await new Promise((r) => setTimeout(r, id % 3));
  if (id % 4 === 0) throw Object.assign(new Error(`item ${id} failed`), { id, retryable: id > 3 });
  return id * 10;
}
async function main({ ids, size }) {
  const report = { done: [], failed: [] };
  for (const [i, batch] of chunk(ids, size).entries()) {
    const results = await Promise.allSettled(batch.map(work));
    results.forEach((r) => (r.status === 'fulfilled' ? report.done.push(r.value) : report.failed.push({ id: r.reason.id, message: r.reason.message, retryable: r.reason.retryable })));
    console.log('batch %d: %d of %d', i + 1, results.filter((r) => r.status === 'fulfilled').length, batch.length);
  }
  if (report.failed.length > report.done.length) throw new Error('too many failures');
  return report;
}
