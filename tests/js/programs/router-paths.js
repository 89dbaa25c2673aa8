// A router with parameters, wildcards and methods.
// args: {"calls": [["GET", "/users/42"], ["GET", "/users/42/posts/7?draft=1"], ["POST", "/users"], ["GET", "/files/a/b%20c.txt"], ["DELETE", "/users/1"], ["GET", "/nope"]]}
const routes = [];
const on = (method, path, f) => routes.push({ method, re: new RegExp(`^${path.replace(/:(\w+)/g, '(?<$1>[^/]+)').replace('*', '(?<rest>.+)')}$`), f });
on('GET', '/users/:id', ({ id }) => ({ user: Number(id) }));
on('GET', '/users/:id/posts/:post', ({ id, post }, q) => ({ id, post, draft: q.get('draft') }));
on('POST', '/users', () => ({ created: true }));
on('GET', '/files/*', ({ rest }) => ({ file: rest }));
function handle(method, target) {
  const { pathname, searchParams } = new URL(target, 'http://local');
  const found = routes.filter((r) => r.re.test(pathname));
  const r = found.find((x) => x.method === method);
  if (!r) return { statusCode: found.length ? 405 : 404, allow: found.map((x) => x.method) };
  const params = Object.fromEntries(Object.entries(r.re.exec(pathname).groups ?? {}).map(([k, v]) => [k, decodeURIComponent(v)]));
  return { statusCode: 200, body: r.f(params, searchParams) };
}
const main = ({ calls }) => calls.map((c) => handle(...c));
