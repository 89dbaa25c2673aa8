// Promise.race: the first to settle wins, also with a failure.
const later = (v, ms, fail) => new Promise((res, rej) => setTimeout(fail ? rej : res, ms, v));
async function main() {
  const won = await Promise.race([later('slow', 60), later('fast', 1)]);
  const lost = await Promise.race([later('x', 60), later('bad', 1, true)]).catch((e) => `caught ${e}`);
  const sync = await Promise.race([new Promise(() => {}), Promise.resolve('resolved'), 'plain']);
  return { won, lost, sync };
}
