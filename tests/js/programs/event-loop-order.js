// Ticks before microtasks before immediates before timers.
function main() {
  const log = [];
  return new Promise((done) => {
    setTimeout(() => { log.push('timeout'); process.nextTick(() => log.push('tick in timeout')); Promise.resolve().then(() => log.push('micro in timeout')); }, 5);
    setImmediate(() => { log.push('immediate'); process.nextTick(() => log.push('tick in immediate')); });
    process.nextTick((x) => log.push(`tick ${x}`), 'arg');
    Promise.resolve().then(() => { log.push('micro'); process.nextTick(() => log.push('tick in micro')); }).then(() => log.push('micro 2'));
    queueMicrotask(() => log.push('queued'));
    log.push('sync');
    setTimeout(() => done({ log }), 40);
  });
}
