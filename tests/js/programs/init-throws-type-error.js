// engine-message
// The engine's own error while the program is evaluated.
const settings = JSON.parse('null');
const port = settings.port;
function main() {
  return { port };
}
