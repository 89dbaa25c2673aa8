// Resolving with a promise or thenable takes extra turns.
async function main() {
  const log = [];
  const thenable = { then(r) { log.push('then called'); r('t'); } };
  new Promise((r) => r(Promise.resolve())).then(() => log.push('promise in promise'));
  Promise.resolve(thenable).then((v) => log.push(`thenable ${v}`));
  (async () => Promise.resolve())().then(() => log.push('async returning promise'));
  (async () => {})().then(() => log.push('async returning nothing'));
  let p = Promise.resolve();
  for (let i = 1; i <= 5; i++) p = p.then(() => log.push(i));
  await p;
  return { log };
}
