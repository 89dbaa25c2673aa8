// A generator function gives an iterator object, which has no members.
function* main() {
  yield { a: 1 };
}
