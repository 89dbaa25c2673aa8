// A throw while the program is evaluated.
console.log('loading');
const config = loadConfig();
function loadConfig() {
  throw new Error('no configuration found');
}
function main() {
  return { config };
}
