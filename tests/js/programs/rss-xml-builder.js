// Builds XML with escapes and reads it again with expressions.
// args: {"items": [{"title": "A & B", "link": "http://x.y/?a=1&b=2", "at": "2024-02-29T12:00:00Z"}, {"title": "<script>", "link": "http://x.y/", "at": "1999-12-31T23:59:59Z"}]}
const esc = (s) => s.replace(/[&<>"']/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' })[c]);
const un = (s) => s.replace(/&(amp|lt|gt|quot|apos|#(\d+)|#x([\da-f]+));/gi, (_, n, d, x) => (d ? String.fromCodePoint(+d) : x ? String.fromCodePoint(parseInt(x, 16)) : { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }[n]));
const el = (name, body, attrs = {}) => `<${name}${Object.entries(attrs).map(([k, v]) => ` ${k}="${esc(v)}"`).join('')}>${Array.isArray(body) ? body.join('') : esc(body)}</${name}>`;
function main({ items }) {
  const xml = el('rss', [el('channel', items.map((i) => el('item', [el('title', i.title), el('link', i.link), el('pubDate', new Date(i.at).toUTCString())])))], { version: '2.0' });
  const titles = [...xml.matchAll(/<title>(.*?)<\/title>/g)].map((m) => un(m[1]));
  return { xml, titles, num: un('&#233;&#x1F600;&amp;lt;') };
}
