// engine-message
// Names that are not there, and uses before the declaration.
function main() {
  const got = [];
  for (const f of [() => missing, () => { early; let early = 1; }, () => typeof missing]) {
    try { got.push(f()); } catch (e) { got.push(e.constructor.name); }
  }
  console.log(got.join(','));
  return { value: stillMissing };
}
