// A boolean is no dictionary.
function main() {
  return false;
}
