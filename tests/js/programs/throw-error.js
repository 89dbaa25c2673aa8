// A thrown Error ends the activation as a developer error.
function helper() {
  throw new Error('something broke');
}
function main() {
  console.log('working');
  helper();
}
