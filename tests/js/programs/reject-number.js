// A rejection with a number.
function main() {
  return Promise.reject(500);
}
