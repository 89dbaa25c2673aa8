// A rejection handled in the same turn is not unhandled.
async function main() {
  const p = Promise.reject(new Error('caught soon'));
  const got = new Promise((resolve) => queueMicrotask(() => p.catch((e) => resolve(e.message))));
  const text = await got;
  await new Promise((r) => setTimeout(r, 2));
  return { text };
}
