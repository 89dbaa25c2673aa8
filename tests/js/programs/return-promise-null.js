// A promise of null is no result.
function main() {
  return Promise.resolve(null);
}
