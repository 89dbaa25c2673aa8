// Escapes in literals and in what JSON and encodeURIComponent make.
function main() {
  const s = 'tab\t nl\n quote" back\\ nul\0 bell\x07 é \u2028 😀 \ud83d';
  let uri;
  try { encodeURIComponent('\ud83d'); } catch (e) { uri = e.name; }
  return {
    json: JSON.stringify(s), back: JSON.parse(JSON.stringify(s)) === s, enc: encodeURIComponent("a b&c=d/é?'()*!~"), encUri: encodeURI('http://x.y/a b?c=é#f%'), dec: decodeURIComponent('%F0%9F%98%80%20'), decUri: decodeURI('%2Fa%20b'), uri, old: escape('é €'), un: unescape('%u20AC%E9'),
  };
}
