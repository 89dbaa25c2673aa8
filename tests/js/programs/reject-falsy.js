// Any falsy reason becomes an empty object.
function main() {
  return Promise.reject(0);
}
