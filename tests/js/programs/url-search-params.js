// URLSearchParams: order, doubles, encoding, sorting.
function main() {
  const p = new URLSearchParams('a=1&b=2&a=3&empty=&flag&sp=a+b%20c&uni=%E2%82%AC&%26=%3D');
  p.append('new', 'x&y=z');
  p.set('b', 'two');
  p.delete('flag');
  const sorted = new URLSearchParams([['z', '1'], ['a', '2'], ['z', '0'], ['A', '3']]);
  sorted.sort();
  console.log(p);
  return { str: p.toString(), all: p.getAll('a'), get: [p.get('sp'), p.get('uni'), p.get('none'), p.get('&')], has: [p.has('a'), p.has('flag')], entries: [...p].slice(0, 3), sorted: `${sorted}`, obj: String(new URLSearchParams({ q: 'ä ö', n: 5, star: '*~-._' })), size: p.size, keys: [...p.keys()].length, plus: new URLSearchParams('?x=1%2B1').get('x') };
}
