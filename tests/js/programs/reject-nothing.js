// A rejection without a reason.
function main() {
  return Promise.reject();
}
