// AsyncLocalStorage carries a context over awaits.
const { AsyncLocalStorage } = require('node:async_hooks');
const als = new AsyncLocalStorage();
const trace = (text) => console.log(`[${als.getStore()?.id ?? '-'}] ${text}`);
async function handle(id) {
  return als.run({ id }, async () => { trace('start'); await new Promise((r) => setTimeout(r, id * 15)); trace('end'); return als.getStore().id; });
}
async function main() {
  trace('outside');
  const ids = await Promise.all([handle(2), handle(1)]);
  return { ids, after: als.getStore() === undefined };
}
