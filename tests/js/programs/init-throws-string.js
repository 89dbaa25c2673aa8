// Text thrown while the program is evaluated.
throw 'cannot start';
function main() {
  return {};
}
