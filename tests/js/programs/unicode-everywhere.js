// Unicode in names, keys, values and the log.
const größe = 3;
const π = Math.PI;
function main() {
  const o = { ключ: 'значение', '鍵': '値', emoji: '👩‍💻', 'ключ с пробелом': [größe], ['\u{1F600}']: 'face' };
  console.log(o);
  console.log('żółć', ['ñ', '\u00e9', 'e\u0301']);
  console.error('Fehler: Größe %d', größe);
  return { ...o, π: π.toFixed(3), upper: 'straße'.toUpperCase(), title: 'ǆ'.toUpperCase(), \u0061bc: 1, len: '👩‍💻'.length };
}
