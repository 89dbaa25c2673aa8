// Anything with a `then` is waited for.
function main() {
  return {
    then(resolve) { setTimeout(() => resolve({ from: 'thenable' }), 1); },
  };
}
