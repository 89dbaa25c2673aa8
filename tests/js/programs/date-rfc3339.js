// A strict parser for RFC 3339, with offsets and fractions.
const RE = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(\.\d+)?([Zz]|([+-])(\d\d):(\d\d))$/;
function parse(text) {
  const m = RE.exec(text);
  if (!m) throw new Error(`not RFC 3339: ${JSON.stringify(text)}`);
  const [, y, mo, d, h, mi, s, frac = '', zone, sign, zh, zm] = m;
  const days = new Date(Date.UTC(+y, +mo, 0)).getUTCDate();
  if (+mo < 1 || +mo > 12) throw new Error(`month out of range: ${mo}`);
  if (+d < 1 || +d > days) throw new Error(`day out of range: ${d}`);
  if (+h > 23 || +mi > 59 || +s > 60) throw new Error(`time out of range: ${h}:${mi}:${s}`);
  const offset = /z/i.test(zone) ? 0 : (sign === '-' ? -1 : 1) * (zh * 60 + +zm);
  return Date.UTC(+y, mo - 1, +d, +h, mi - offset, +s, Math.trunc(Number(`0${frac}`) * 1000));
}
function main() {
  return ['2024-02-29T12:00:00Z', '2024-02-29 12:00:00.5678+05:30', '1990-12-31T23:59:60Z', '2023-02-29T00:00:00Z',
    '2024-13-01T00:00:00Z', '2024-01-01T24:00:00Z', '2024-01-01', '2024-01-01t00:00:00-00:45'].map((t) => {
    try { return [t, new Date(parse(t)).toISOString()]; } catch (e) { return [t, e.message]; }
  });
}
