// Closures: counters, loops with let and var, and once.
function main() {
  const counter = () => { let n = 0; return { up: () => ++n, down: () => --n }; };
  const [a, b] = [counter(), counter()];
  a.up(); a.up(); b.down();
  const lets = [];
  const vars = [];
  for (let i = 0; i < 3; i++) lets.push(() => i);
  for (var j = 0; j < 3; j++) vars.push(() => j);
  const once = (f) => { let done; return (...x) => (done ??= { v: f(...x) }).v; };
  let calls = 0;
  const init = once(() => { calls++; return 'ready'; });
  return { a: a.up(), b: b.up(), lets: lets.map((f) => f()), vars: vars.map((f) => f()), init: [init(), init()], calls };
}
