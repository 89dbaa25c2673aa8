// Relative references against a base.
function main() {
  const base = 'http://a/b/c/d;p?q';
  const refs = ['g', './g', 'g/', '/g', '//g', '?y', 'g?y', '#s', 'g#s', ';x', '', '.', './', '..', '../', '../g', '../..', '../../g', '../../../g', '/./g', '/../g', 'g.', '..g', './../g', 'g/./h', 'g/../h', 'http:g', 'mailto:a@b'];
  return Object.fromEntries(refs.map((r) => [r, new URL(r, base).href]));
}
