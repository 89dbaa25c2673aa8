// engine-message
// A name declared twice.
const limit = 1;
const limit = 2;
function main() {
  return { limit };
}
