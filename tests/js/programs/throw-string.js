// Strings can be thrown.
function main() {
  throw 'plain text';
}
