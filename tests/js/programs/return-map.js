// A Map has no members of its own and becomes an empty object.
function main() {
  return new Map([['a', 1]]);
}
