// matchAll gives all matches with groups and places.
function main() {
  const log = 'GET /a 200 12ms; POST /b 500 340ms; GET /c 404 7ms';
  const re = /(?<verb>[A-Z]+) (?<path>\S+) (?<status>\d{3}) (?<ms>\d+)ms/g;
  const rows = [...log.matchAll(re)].map((m) => ({ ...m.groups, at: m.index }));
  let refused;
  try { log.matchAll(/x/); } catch (e) { refused = e.name; }
  const indices = /(?<n>b+)/d.exec('aabbb').indices;
  return { rows, refused, lastIndex: re.lastIndex, indices: indices.groups.n };
}
