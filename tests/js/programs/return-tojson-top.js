// toJSON of the result itself, asynchronously.
async function main() {
  await new Promise((r) => setTimeout(r, 1));
  return { a: 1, toJSON() { return { replaced: true, by: ['toJSON'] }; } };
}
