// A function is no dictionary.
function main() {
  return function helper() { return {}; };
}
