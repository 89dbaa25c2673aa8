// Modules are strict, and have no require.
// engine-message
export function main() {
  const out = {};
  try { undeclared = 1; out.sloppy = true; } catch (e) { out.assign = e.name; }
  out.require = typeof require;
  out.module = typeof module;
  out.this = typeof this;
  try { Object.freeze([1]).push(2); } catch (e) { out.frozen = e.name; }
  return out;
}
