// require('url'): parse, format, resolve and file paths.
const url = require('url');
function main() {
  const p = url.parse('http://user:pw@host.com:8080/p/a/t/h?query=string&x=1#hash', true);
  return { host: p.host, auth: p.auth, path: p.path, query: { ...p.query }, fmt: url.format({ protocol: 'https', hostname: 'x.org', pathname: '/a b', query: { q: 1 } }), resolve: [url.resolve('/one/two/three', 'four'), url.resolve('http://example.com/one', '/two')], file: url.fileURLToPath('file:///tmp/a%20b.txt'), to: url.pathToFileURL('/tmp/a b#c').href, same: url.URL === URL, opts: url.urlToHttpOptions(new URL('http://a:b@x.y:1/p?q')).path };
}
