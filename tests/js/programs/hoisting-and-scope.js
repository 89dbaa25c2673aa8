// Hoisting of functions and var, the temporal dead zone and closures over blocks.
function main() {
  const out = { fn: hoisted(), v: typeof late, type: typeof later };
  var late = 1;
  function hoisted() { return 'up'; }
  { function later() { return 'block'; } }
  out.after = typeof later;
  try { out.tdz = dead; } catch (e) { out.tdz = e.name; }
  let dead = 1;
  const fact = function self(n) { return n < 2 ? 1 : n * self(n - 1); };
  out.fact = fact(6);
  try { (function f() { 'use strict'; f = 1; })(); } catch (e) { out.self = e.name; }
  const param = (a, b = () => a) => { var a = 2; return b(); };
  out.param = param(1);
  return out;
}
