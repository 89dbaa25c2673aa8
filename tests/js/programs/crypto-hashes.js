// Hashes of known texts in hex and base64.
const crypto = require('crypto');
function main() {
  const out = {};
  for (const a of ['md5', 'sha1', 'sha256', 'sha512', 'sha384', 'sha224']) for (const t of ['', 'abc', 'Grüße €']) (out[a] ??= []).push(crypto.createHash(a).update(t).digest('hex').slice(0, 32));
  out.b64 = crypto.createHash('sha256').update('abc').digest('base64');
  out.url = crypto.createHash('sha1').update('abc').digest('base64url');
  out.chunks = crypto.createHash('md5').update('a').update(Buffer.from('b')).update('63', 'hex').digest('hex') === crypto.createHash('md5').update('abc').digest('hex');
  out.long = crypto.createHash('sha256').update('x'.repeat(100000)).digest('hex');
  out.raw = crypto.createHash('sha1').update('').digest().length;
  return out;
}
