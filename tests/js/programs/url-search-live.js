// searchParams of a URL and its search stay in step.
function main() {
  const u = new URL('http://api.test/items?page=1');
  u.searchParams.set('page', 2);
  u.searchParams.append('tag', 'a b');
  const one = u.href;
  u.search = '?fresh=yes';
  const two = u.searchParams.get('fresh');
  for (const k of [...u.searchParams.keys()]) u.searchParams.delete(k);
  const pages = [1, 2].map((n) => { const x = new URL('/list', u); x.searchParams.set('n', n); return x.pathname + x.search; });
  return { one, two, empty: u.href, pages };
}
