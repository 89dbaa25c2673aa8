// Order of tasks by what they need, and circles found.
function sort(deps) {
  const done = new Set(), path = [], out = [];
  const visit = (n) => {
    if (done.has(n)) return;
    if (path.includes(n)) throw new Error(`circle: ${[...path.slice(path.indexOf(n)), n].join(' -> ')}`);
    path.push(n);
    (deps[n] ?? []).forEach(visit);
    path.pop();
    done.add(n);
    out.push(n);
  };
  Object.keys(deps).forEach(visit);
  return out;
}
function main() {
  let circle;
  try { sort({ a: ['b'], b: ['c'], c: ['b'] }); } catch (e) { circle = e.message; }
  return { order: sort({ deploy: ['test', 'build'], test: ['build'], build: ['fetch', 'lint'], lint: [], docs: ['build'] }), circle };
}
