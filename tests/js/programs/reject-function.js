// A rejection with a function gives its name.
function main() {
  return Promise.reject(function handler() {});
}
