// Ticks and microtasks that make more of themselves.
async function main() {
  const log = [];
  process.nextTick(() => { log.push('t1'); process.nextTick(() => log.push('t3')); Promise.resolve().then(() => log.push('m2')); });
  process.nextTick(() => log.push('t2'));
  Promise.resolve().then(() => { log.push('m1'); process.nextTick(() => log.push('t4')); queueMicrotask(() => log.push('m3')); });
  await new Promise((r) => setTimeout(r, 5));
  setImmediate(() => { log.push('i1'); setImmediate(() => log.push('i3')); Promise.resolve().then(() => log.push('mi')); });
  setImmediate(() => log.push('i2'));
  await new Promise((r) => setTimeout(r, 20));
  return { log: log.join(' ') };
}
