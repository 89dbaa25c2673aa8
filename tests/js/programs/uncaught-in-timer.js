// An exception in a timer kills the process.
function main() {
  setTimeout(() => { throw new Error('nobody catches this'); }, 1);
  return new Promise((r) => setTimeout(r, 1000, {}));
}
