// next with values, throw, return and finally of a generator.
function* dialog() {
  const log = [];
  try {
    const name = yield 'name?';
    log.push(name);
    try { yield `hi ${name}`; } catch (e) { log.push(`caught ${e.message}`); yield 'recovered'; }
    yield* [1, 2];
    return log;
  } finally {
    console.log('cleanup', log);
  }
}
function main() {
  const g = dialog();
  const steps = [g.next('ignored'), g.next('Ada'), g.throw(new Error('oops')), g.next(), g.next(), g.next(), g.next()];
  const h = dialog();
  h.next();
  const early = h.return('early');
  return { steps, early, after: h.next(), tag: Object.prototype.toString.call(g) };
}
