// Timers fire by their time, equal ones in the order in which they were set.
function main() {
  const log = [];
  return new Promise((done) => {
    for (const [n, ms] of [['c', 40], ['a', 1], ['d', 40], ['b', 20], ['a2', 1], ['zero', 0], ['neg', -5]]) setTimeout((x) => log.push(x), ms, n);
    const cancelled = setTimeout(() => log.push('never'), 10);
    clearTimeout(cancelled);
    clearTimeout(undefined);
    clearTimeout(null);
    setTimeout(() => done({ log: log.join(' ') }), 80);
  });
}
