// Methods of console as plain functions, and replaced ones.
function main() {
  const { log, error } = console;
  log('detached');
  [1, 2].forEach((n) => error(n));
  ['a', 'b'].forEach(console.log);
  const lines = [];
  const old = console.log;
  console.log = (...a) => lines.push(a.join('+'));
  console.log('captured', 1);
  console.log = old;
  console.log('restored');
  return { lines };
}
