// Distance of words, and the nearest word of a list.
function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    let diag = row[0];
    row[0] = i;
    for (let j = 1; j <= b.length; j++) [diag, row[j]] = [row[j], Math.min(row[j] + 1, row[j - 1] + 1, diag + (a[i - 1] === b[j - 1] ? 0 : 1))];
  }
  return row.at(-1);
}
function main() {
  const commands = ['install', 'update', 'upgrade', 'remove', 'search'];
  const guess = (w) => commands.map((c) => [distance(w, c), c]).sort(([a], [b]) => a - b)[0];
  return { pairs: [['kitten', 'sitting'], ['', 'abc'], ['same', 'same'], ['flaw', 'lawn']].map(([a, b]) => distance(a, b)), guesses: ['instal', 'updrade', 'serach', 'xyz'].map(guess) };
}
