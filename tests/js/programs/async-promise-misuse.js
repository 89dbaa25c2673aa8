// engine-message
// A promise settles once; resolving with itself fails; Promise needs new.
async function main() {
  const once = await new Promise((res, rej) => { res('first'); rej(new Error('late')); res('third'); throw new Error('ignored'); });
  let self;
  const p = new Promise((r) => { self = r; });
  self(p);
  const loop = await p.catch((e) => e.name);
  const names = [];
  for (const f of [() => Promise(() => {}), () => new Promise(), () => new Promise(5)]) try { f(); } catch (e) { names.push(e.name); }
  const thrower = await Promise.resolve({ then() { throw new Error('in then'); } }).catch((e) => e.message);
  console.log(Promise.resolve(1), Promise.reject(2).catch(() => {}) instanceof Promise, new Promise(() => {}));
  return { once, loop, names, thrower };
}
