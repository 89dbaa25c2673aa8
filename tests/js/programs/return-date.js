// A Date is an object whose JSON is a string.
function main() {
  return new Date(Date.UTC(2024, 1, 29, 12, 0, 0));
}
