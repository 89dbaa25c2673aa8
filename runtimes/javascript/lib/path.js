// The module `path` and `path/posix`: path-browserify, with Node's errors and later additions.
//
// Left out: the functions of path.win32.
'use strict';

const { codes, validateObject, validateString } = require('internal/errors');
const base = require('path-browserify');

/** The same function, which checks first that its arguments are strings. */
function checked(name, ...params) {
  const original = base[name];
  return { [name](...args) {
    params.forEach((param, i) => {
      if (i < 1 || args[i] !== undefined) validateString(args[i], param);
    });
    return original.apply(base, args);
  } }[name];
}

/** Node adds the dot that an extension is given without. */
function format(pathObject) {
  validateObject(pathObject, 'pathObject');
  const { ext } = pathObject;
  const dotted = ext && !ext.startsWith('.') ? { ...pathObject, ext: `.${ext}` } : pathObject;
  return base.format(dotted);
}

const posix = {
  resolve(...paths) {
    paths.forEach((path, i) => validateString(path, `paths[${i}]`));
    return base.resolve(...paths);
  },
  normalize: checked('normalize', 'path'),
  isAbsolute: checked('isAbsolute', 'path'),
  join(...paths) {
    for (const path of paths) validateString(path, 'path');
    return base.join(...paths);
  },
  relative(from, to) {
    validateString(from, 'from');
    validateString(to, 'to');
    return base.relative(from, to);
  },
  toNamespacedPath: (path) => path,
  dirname: checked('dirname', 'path'),
  basename: checked('basename', 'path', 'suffix'),
  extname: checked('extname', 'path'),
  format,
  parse: checked('parse', 'path'),
  sep: '/',
  delimiter: ':',
};
const win32 = new Proxy({ sep: '\\', delimiter: ';' }, {
  get(target, key) {
    if (typeof key === 'symbol' || key in target || !(key in posix)) return target[key];
    throw host.unavailable(`path.win32.${key}`);
  },
});
Object.defineProperty(win32, 'win32', { value: win32, enumerable: true });
Object.defineProperty(win32, 'posix', { value: posix, enumerable: true });
posix.win32 = win32;
posix.posix = posix;

module.exports = posix;
