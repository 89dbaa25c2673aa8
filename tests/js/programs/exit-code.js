// process.exit ends the process without a result.
function main() {
  console.log('leaving');
  process.exit(3);
}
