// A getter that throws while the result is made into JSON.
function main() {
  return { ok: 1, get boom() { throw new Error('getter says no'); } };
}
