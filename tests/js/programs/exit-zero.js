// Leaving with 0 is no result either.
async function main() {
  await null;
  process.exit(0);
}
