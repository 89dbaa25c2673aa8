// A process that leaves while main still waits.
function main() {
  setTimeout(() => { console.log('bye'); process.exit(1); }, 1);
  return new Promise((r) => setTimeout(r, 1000, { never: true }));
}
