// Even an `error` of null counts.
function main() {
  return { error: null, other: 1 };
}
