// A symbol has no JSON form: the error member vanishes.
function main() {
  return Promise.reject(Symbol('gone'));
}
