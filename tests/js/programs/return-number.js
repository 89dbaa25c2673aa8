// A number is no dictionary.
function main() {
  console.log('before');
  return 42.5;
}
