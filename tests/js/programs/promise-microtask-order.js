// Order of promise reactions against plain code.
async function main() {
  const log = [];
  const p = Promise.resolve();
  p.then(() => log.push('a1')).then(() => log.push('a2')).then(() => log.push('a3'));
  p.then(() => log.push('b1')).then(() => log.push('b2'));
  queueMicrotask(() => log.push('micro'));
  (async () => { log.push('sync'); await null; log.push('after await'); await null; log.push('after second'); })();
  log.push('end of code');
  await new Promise((r) => setTimeout(r, 1));
  return { log };
}
