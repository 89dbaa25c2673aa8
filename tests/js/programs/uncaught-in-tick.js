// An exception in a nextTick callback kills the process.
function main() {
  process.nextTick(() => { throw new TypeError('in a tick'); });
  return new Promise((r) => setTimeout(r, 500, {}));
}
