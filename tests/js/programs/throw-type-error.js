// engine-message
// The engine's own TypeError, caught and then thrown.
function main() {
  try {
    undefined.length;
  } catch (e) {
    console.log(e.name, e instanceof TypeError, typeof e.stack);
  }
  null.foo();
}
