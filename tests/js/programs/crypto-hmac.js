// HMAC as web hooks sign with it, and comparing in constant time.
const { createHmac, timingSafeEqual } = require('node:crypto');
function main() {
  const sign = (body, key, a = 'sha256') => createHmac(a, key).update(body).digest('hex');
  const verify = (body, header, key) => { const want = Buffer.from(`sha256=${sign(body, key)}`); const got = Buffer.from(header); return want.length === got.length && timingSafeEqual(want, got); };
  let len;
  try { timingSafeEqual(Buffer.alloc(1), Buffer.alloc(2)); } catch (e) { len = e.code; }
  return { rfc: sign('what do ya want for nothing?', 'Jefe'), sha1: sign('data', 'key', 'sha1'), md5: sign('data', 'key', 'md5'), sha512: sign('data', 'k'.repeat(200), 'sha512').slice(0, 40), ok: verify('{"a":1}', `sha256=${sign('{"a":1}', 's3cret')}`, 's3cret'), bad: verify('{"a":2}', `sha256=${sign('{"a":1}', 's3cret')}`, 's3cret'), len, b64: createHmac('sha256', Buffer.from('k')).update('').digest('base64') };
}
