// setImmediate with arguments, clearImmediate, refresh and unref.
async function main() {
  const log = [];
  const gone = setImmediate(() => log.push('never'));
  setImmediate((a, b) => log.push(a + b), 'ar', 'gs');
  clearImmediate(gone);
  const t = setTimeout(() => log.push('t'), 5);
  log.push(typeof t.ref, typeof t.unref, t.hasRef(), t.unref().hasRef(), t.ref() === t);
  await new Promise((r) => setTimeout(r, 30));
  return { log };
}
