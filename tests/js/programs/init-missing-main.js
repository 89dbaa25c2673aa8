// A program without an entry.
function handler(args) {
  return { handled: true };
}
console.log(typeof handler);
