// A BigInt is no dictionary.
function main() {
  return 2n ** 64n;
}
