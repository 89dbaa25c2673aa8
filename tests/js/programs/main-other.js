// main: other
// Another entry by name.
function main() {
  return { wrong: true };
}
function other(args) {
  return { right: true, argc: arguments.length };
}
