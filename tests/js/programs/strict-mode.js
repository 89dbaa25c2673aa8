// 'use strict' on top of the program holds for all of it.
'use strict';
function main() {
  const out = { self: this === undefined };
  try { leaked = 5; } catch (e) { out.leaked = e.name; }
  try { Object.freeze({ a: 1 }).a = 2; } catch (e) { out.frozen = e.name; }
  try { (function () { return arguments.callee; })(); } catch (e) { out.callee = e.name; }
  return out;
}
