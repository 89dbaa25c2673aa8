// A promise that nobody will settle.
function main() {
  console.log('waiting for nothing');
  return new Promise(() => {});
}
