// An object that is no Error can be thrown.
function main() {
  throw { code: 7, toString() { return 'custom <7>'; } };
}
