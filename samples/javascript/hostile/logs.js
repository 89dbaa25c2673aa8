// Says more than anybody keeps.
function main() {
  const line = 'x'.repeat(100_000);
  for (;;) console.log(line);
}
