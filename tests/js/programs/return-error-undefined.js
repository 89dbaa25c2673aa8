// An `error` of undefined has no JSON form, so the result is a success.
function main() {
  return { error: undefined, fine: true };
}
