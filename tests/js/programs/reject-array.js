// A rejection with an array.
function main() {
  return Promise.reject(['first', { second: 2 }, null]);
}
