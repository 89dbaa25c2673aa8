// A rejection that nobody handles kills the process while main waits.
function main() {
  Promise.reject(new Error('forgotten'));
  return new Promise((r) => setTimeout(r, 500, {}));
}
