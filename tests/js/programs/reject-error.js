// A rejected promise with an Error.
function main() {
  return new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error('timed out')), 2);
  });
}
