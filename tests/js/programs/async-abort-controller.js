// AbortController: signals, reasons, listeners and static helpers.
async function main() {
  const ac = new AbortController();
  const log = [];
  ac.signal.addEventListener('abort', (e) => log.push(e.type), { once: true });
  ac.signal.onabort = () => log.push('onabort');
  const work = new Promise((res, rej) => ac.signal.addEventListener('abort', () => rej(ac.signal.reason)));
  ac.abort();
  ac.abort('ignored');
  const reason = await work.catch((e) => [e.name, e.message, e.code]);
  let thrown;
  try { AbortSignal.abort(new Error('own')).throwIfAborted(); } catch (e) { thrown = e.message; }
  return { log, reason, thrown, aborted: ac.signal.aborted, fresh: new AbortController().signal.aborted, isTarget: ac.signal instanceof EventTarget };
}
