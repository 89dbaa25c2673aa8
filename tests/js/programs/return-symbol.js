// A symbol is no dictionary.
function main() {
  return Symbol('secret');
}
