// engine-message
// A BigInt inside the result cannot be sent.
function main() {
  return { id: 12345678901234567890n };
}
