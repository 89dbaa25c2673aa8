// What is pending when main settles is cut off.
function main() {
  setInterval(() => console.log('tick, never seen'), 5000);
  setTimeout(() => console.log('never seen'), 5000);
  return { done: true };
}
