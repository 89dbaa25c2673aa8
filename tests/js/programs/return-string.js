// A string is no dictionary.
function main() {
  return 'just text';
}
