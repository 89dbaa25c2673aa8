// Debounce and throttle with timers.
const debounce = (f, ms) => { let t; return (...a) => { clearTimeout(t); t = setTimeout(f, ms, ...a); }; };
const throttle = (f, ms) => { let open = true; return (...a) => { if (!open) return; open = false; setTimeout(() => { open = true; }, ms); f(...a); }; };
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
async function main() {
  const saved = [], seen = [];
  const save = debounce((v) => saved.push(v), 60);
  const see = throttle((v) => seen.push(v), 500);
  for (const k of 'abc') { save(k); see(k); }
  await sleep(150);
  save('d'); save('e');
  await sleep(150);
  return { saved, seen };
}
