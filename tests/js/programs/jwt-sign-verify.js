// A JSON web token with HS256: made, checked, refused.
const crypto = require('crypto');
const b64 = (o) => Buffer.from(typeof o === 'string' ? o : JSON.stringify(o)).toString('base64url');
const sig = (data, key) => crypto.createHmac('sha256', key).update(data).digest('base64url');
const sign = (payload, key) => { const d = `${b64({ alg: 'HS256', typ: 'JWT' })}.${b64(payload)}`; return `${d}.${sig(d, key)}`; };
function verify(token, key, now) {
  const [h, p, s] = token.split('.');
  if (s !== sig(`${h}.${p}`, key)) throw new Error('bad signature');
  const payload = JSON.parse(Buffer.from(p, 'base64url'));
  if (payload.exp <= now) throw new Error(`expired at ${new Date(payload.exp * 1000).toISOString()}`);
  return payload;
}
function main() {
  const t = sign({ sub: '1234567890', name: 'Jöhn', exp: 1700000000 }, 'secret');
  const attempt = (...a) => { try { return verify(...a); } catch (e) { return e.message; } };
  return { t, ok: attempt(t, 'secret', 1600000000), late: attempt(t, 'secret', 1800000000), bad: attempt(`${t}x`, 'secret', 0), key: attempt(t, 'other', 0) };
}
