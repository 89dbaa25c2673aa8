// A rejection with text.
function main() {
  return Promise.reject('no luck');
}
