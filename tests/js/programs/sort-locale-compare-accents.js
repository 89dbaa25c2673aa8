// localeCompare of words with accents, as a list of names has them.
function main() {
  const names = ['Zoe', 'Émile', 'Eric', 'Ange', 'Änne', 'Oskar', 'Özil', 'emil', 'Ota'];
  const sorted = names.sort((a, b) => a.localeCompare(b));
  return { sorted, nfc: 'é'.localeCompare('e\u0301') };
}
