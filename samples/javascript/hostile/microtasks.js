// Each promise settles with another one: the event loop never turns.
function main() {
  const again = () => Promise.resolve().then(again);
  return again();
}
