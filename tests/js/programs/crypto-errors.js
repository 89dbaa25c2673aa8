// Unknown algorithms and use after the end.
const crypto = require('crypto');
function main() {
  const name = (f) => { try { f(); return 'fine'; } catch (e) { return e instanceof Error; } };
  const h = crypto.createHash('sha256').update('x');
  h.digest();
  let code;
  try { h.update('y'); } catch (e) { code = e.code; }
  const c = crypto.createHash('sha256').update('a');
  const copy = c.copy().update('b').digest('hex').slice(0, 8);
  return { unknown: name(() => crypto.createHash('nope')), code, type: (() => { try { crypto.createHash('md5').update(5); } catch (e) { return e.code; } })(), copy, list: ['md5', 'sha1', 'sha256', 'sha512'].every((a) => crypto.getHashes().includes(a)) };
}
