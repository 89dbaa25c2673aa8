// A rejection with true.
async function main() {
  throw true;
}
