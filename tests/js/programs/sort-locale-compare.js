// localeCompare of ordinary words.
function main() {
  const words = ['banana', 'apple', 'cherry', 'Apple', 'date', 'Banana', 'fig', 'elder'];
  return {
    sorted: [...words].sort((a, b) => a.localeCompare(b)),
    signs: [Math.sign('a'.localeCompare('b')), Math.sign('b'.localeCompare('a')), 'a'.localeCompare('a')],
    codeUnits: [...words].sort(),
  };
}
