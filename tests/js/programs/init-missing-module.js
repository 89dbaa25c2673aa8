// A module that does not exist, seen by its code.
let code;
try {
  require('no-such-module-here');
} catch (e) {
  code = e.code;
}
function main() {
  return { code };
}
