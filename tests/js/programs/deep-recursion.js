// Recursion that is deep but not too deep, and one without end that is caught.
const sum = (n) => (n === 0 ? 0 : n + sum(n - 1));
const forever = () => 1 + forever();
const trampoline = (f) => (...a) => { let r = f(...a); while (typeof r === 'function') r = r(); return r; };
function main() {
  let name;
  try { forever(); } catch (e) { name = e instanceof Error; }
  const count = trampoline(function go(n, acc = 0) { return n === 0 ? acc : () => go(n - 1, acc + 1); });
  const ackermann = (m, n) => (m === 0 ? n + 1 : n === 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1)));
  let nested = [];
  for (let i = 0; i < 500; i++) nested = [nested];
  return { sum: sum(1000), caught: name, count: count(50000), ack: ackermann(2, 3), nested: JSON.stringify(nested).length };
}
