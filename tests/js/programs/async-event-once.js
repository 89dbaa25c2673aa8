// events.once and events.on as promises and async iterators.
const { once, on, EventEmitter } = require('events');
async function main() {
  const e = new EventEmitter();
  setTimeout(() => e.emit('ready', 1, 'two'), 1);
  const args = await once(e, 'ready');
  setTimeout(() => e.emit('error', new Error('failed instead')), 1);
  const failed = await once(e, 'ready').catch((x) => x.message);
  setTimeout(() => { for (let i = 0; i < 3; i++) e.emit('n', i); }, 1);
  const got = [];
  for await (const [n] of on(e, 'n')) { got.push(n); if (n === 2) break; }
  return { args, failed, got, left: e.listenerCount('n') };
}
