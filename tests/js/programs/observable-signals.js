// Signals that compute again when what they read changes.
let current = null;
function signal(v) { const subs = new Set(); return { get value() { if (current) subs.add(current); return v; }, set value(n) { if (Object.is(n, v)) return; v = n; for (const s of [...subs]) s(); } }; }
function effect(f) { const run = () => { const before = current; current = run; try { f(); } finally { current = before; } }; run(); }
function computed(f) { const s = signal(); effect(() => { s.value = f(); }); return { get value() { return s.value; } }; }
function main() {
  const log = [];
  const a = signal(1), b = signal(10);
  const sum = computed(() => a.value + b.value);
  effect(() => log.push(`sum is ${sum.value}`));
  a.value = 2;
  b.value = 20;
  b.value = 20;
  return { log, sum: sum.value };
}
