// path: join, resolve, relative, parse, format, normalize.
const path = require('node:path');
function main() {
  return { join: [path.join('/a', '../b', './c', ''), path.join(''), path.join('a', '..', '..')], resolve: [path.resolve('/x', 'y', '../z'), path.resolve('/a', '/b')], norm: ['/a//b/../c/.', './a/', '../../x', '', '/..'].map((p) => path.normalize(p)), base: [path.basename('/a/b.html'), path.basename('b.html', '.html'), path.basename('/a/')], ext: ['a.b.c', '.bashrc', 'x.', 'noext', 'dir.d/f'].map((p) => path.extname(p)), dir: ['/a/b', 'a', '/', '/a/b/'].map((p) => path.dirname(p)), parse: path.parse('/home/u/file.tar.gz'), format: path.format({ dir: '/d', name: 'n', ext: '.e' }), rel: [path.relative('/a/b/c', '/a/d'), path.relative('/a', '/a')], abs: [path.isAbsolute('/a'), path.isAbsolute('./a')], sep: [path.sep, path.delimiter], win: path.win32.join('a', 'b', '..\\c'), posix: path.posix === path };
}
