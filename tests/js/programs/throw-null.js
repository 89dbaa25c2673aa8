// null can be thrown.
function main() {
  throw null;
}
