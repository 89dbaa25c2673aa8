// Numbers can be thrown.
function main() {
  throw 42;
}
