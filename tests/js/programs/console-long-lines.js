// Very long lines, blank lines, carriage returns and unicode in the log.
function main() {
  console.log('x'.repeat(5000));
  console.log('\n');
  console.log('a\nb');
  console.log('tab\there', 'snow ☃', '😀');
  console.log('line one\nline two\n');
  for (let i = 0; i < 200; i++) console.log(`line ${i}`);
}
