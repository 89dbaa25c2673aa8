// Without a return the result is an empty object.
function main(args) {
  console.log('args', args);
}
