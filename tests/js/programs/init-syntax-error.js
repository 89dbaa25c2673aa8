// engine-message
// A program that cannot be parsed.
function main(args) {
  return { a: 1, ;
}
