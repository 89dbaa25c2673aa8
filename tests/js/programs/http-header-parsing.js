// Headers, cookies, content types and accept lists by hand.
// args: {"raw": "Content-Type: text/html; charset=\"utf-8\"\r\nSet-Cookie: id=a%20b; Path=/; HttpOnly\r\nset-cookie: t=1\r\nAccept: text/*;q=0.3, text/html, application/json;q=0.9\r\nX-Folded: one,\r\n two\r\n"}
function main({ raw }) {
  const headers = new Map();
  for (const line of raw.replace(/\r\n[ \t]+/g, ' ').split('\r\n').filter(Boolean)) {
    const [, name, value] = /^([^:]+):\s*(.*)$/.exec(line);
    const key = name.toLowerCase();
    headers.set(key, [...(headers.get(key) ?? []), value]);
  }
  const [type, ...params] = headers.get('content-type')[0].split(';').map((s) => s.trim());
  const accept = headers.get('accept')[0].split(',').map((s) => { const [t, q] = s.trim().split(';q='); return { t, q: Number(q ?? 1) }; }).sort((a, b) => b.q - a.q);
  const cookies = headers.get('set-cookie').map((c) => c.split(';')[0].split('=')).map(([k, v]) => [k, decodeURIComponent(v)]);
  console.log(headers);
  return { type, params: Object.fromEntries(params.map((p) => p.split('=').map((x) => x.replace(/"/g, '')))), accept, cookies: Object.fromEntries(cookies), folded: headers.get('x-folded')[0] };
}
