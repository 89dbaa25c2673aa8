// Symbols can be thrown.
function main() {
  throw Symbol('odd');
}
