// null is an object for typeof, but no result.
function main() {
  return null;
}
