// WeakMap, WeakSet and WeakRef as far as they are deterministic.
const secrets = new WeakMap();
class Box { constructor(v) { secrets.set(this, v); } open() { return secrets.get(this); } }
function main() {
  const b = new Box(7);
  const seen = new WeakSet([b]);
  const visit = (n, marks = new WeakSet()) => { if (marks.has(n)) return 0; marks.add(n); return 1 + (n.next ? visit(n.next, marks) : 0); };
  const ring = { next: { next: {} } };
  ring.next.next.next = ring;
  const ref = new WeakRef(b);
  let bad;
  try { secrets.set('text', 1); } catch (e) { bad = e.name; }
  console.log(secrets, seen);
  return { open: b.open(), has: [seen.has(b), seen.has({})], ring: visit(ring), same: ref.deref() === b, bad, registry: typeof new FinalizationRegistry(() => {}).register };
}
