// Smaller helpers: deprecate, stripVTControlCharacters, toUSVString, debuglog, TextDecoder.
const util = require('util');
function main() {
  const d = util.debuglog('nothing');
  d('not shown');
  return { strip: util.stripVTControlCharacters('\u001b[31mred\u001b[0m'), usv: util.toUSVString('a\ud800'), enabled: d.enabled, same: util.TextDecoder === TextDecoder, inspectDefaults: util.inspect.defaultOptions.depth, args: util.parseArgs({ args: ['-f', '--name', 'x', 'pos'], options: { f: { type: 'boolean', short: 'f' }, name: { type: 'string' } }, allowPositionals: true }).values.name };
}
