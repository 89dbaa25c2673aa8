// Globs to regular expressions, and what they match.
const toRe = (g) => new RegExp(`^${g.replace(/\*\*\/?|\*|\?|\{([^}]+)\}|[.+^$()|\\]/g, (m, set) => (set ? `(?:${set.split(',').join('|')})` : { '**/': '(?:.*/)?', '**': '.*', '*': '[^/]*', '?': '[^/]' }[m] ?? `\\${m}`))}$`);
function main() {
  const files = ['a.js', 'src/a.js', 'src/deep/b.ts', 'src/deep/c.jsx', 'README.md', 'x+y.js'];
  const globs = ['*.js', '**/*.js', 'src/**', 'src/*/?.ts', '**/*.{ts,jsx}', 'x+y.*', '[a-r]*.{js,md}'];
  return Object.fromEntries(globs.map((g) => [g, files.filter((f) => toRe(g).test(f))]));
}
