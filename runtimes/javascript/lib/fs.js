// The module `fs`, as far as an action has files: it reads those of its own archive, which lie at
// `/`, and writes none.
'use strict';

const { Buffer } = require('buffer');

function failed(code, text, call, path) {
  const error = new Error(`${code}: ${text}, ${call} '${path}'`);
  return Object.assign(error, { errno: code === 'ENOENT' ? -2 : -30, code, syscall: call, path });
}

/** The path in the archive: without a slash in front, `.` and `..` resolved. */
function inArchive(path) {
  const text = path instanceof URL ? path.pathname : `${path}`;
  const parts = [];
  for (const part of text.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.' && part !== '') parts.push(part);
  }
  return parts.join('/');
}

function readFileSync(path, options) {
  const bytes = host.readFile(inArchive(path));
  if (bytes === undefined) throw failed('ENOENT', 'no such file or directory', 'open', path);
  const encoding = typeof options === 'string' ? options : options?.encoding;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return encoding ? buffer.toString(encoding) : buffer;
}

/** Names in a folder; undefined if there is no such folder. */
function namesIn(path) {
  const folder = inArchive(path);
  const start = folder === '' ? '' : `${folder}/`;
  const files = host.listFiles().filter((file) => file.startsWith(start));
  if (files.length === 0 && folder !== '') return undefined;
  return [...new Set(files.map((file) => file.slice(start.length).split('/')[0]))].sort();
}

function readdirSync(path) {
  const names = namesIn(path);
  if (names === undefined) throw failed('ENOENT', 'no such file or directory', 'scandir', path);
  return names;
}

function existsSync(path) {
  return host.readFile(inArchive(path)) !== undefined || namesIn(path) !== undefined;
}

function statSync(path) {
  const bytes = host.readFile(inArchive(path));
  if (bytes === undefined && namesIn(path) === undefined) {
    throw failed('ENOENT', 'no such file or directory', 'stat', path);
  }
  return {
    size: bytes?.length ?? 0,
    isFile: () => bytes !== undefined,
    isDirectory: () => bytes === undefined,
    isSymbolicLink: () => false,
  };
}

function accessSync(path) {
  if (!existsSync(path)) throw failed('ENOENT', 'no such file or directory', 'access', path);
}

const reading = { readFile: readFileSync, readdir: readdirSync, stat: statSync, lstat: statSync,
  access: accessSync };
const promises = {};
for (const name of Object.keys(reading)) {
  exports[`${name}Sync`] = reading[name];
  promises[name] = async (...args) => reading[name](...args);
  exports[name] = (...args) => {
    const callback = args.pop();
    if (typeof callback !== 'function') throw new TypeError('The "cb" argument must be of type function.');
    promises[name](...args).then((value) => callback(null, value), (error) => callback(error));
  };
}
for (const name of ['writeFile', 'appendFile', 'mkdir', 'unlink', 'rm', 'rmdir', 'rename', 'copyFile']) {
  const refuse = (path) => {
    throw failed('EROFS', 'read-only file system', name, path);
  };
  exports[`${name}Sync`] = refuse;
  promises[name] = async (path) => refuse(path);
}
for (const name of ['createReadStream', 'createWriteStream', 'watch', 'open', 'openSync']) {
  exports[name] = () => {
    throw host.unavailable(`fs.${name}`);
  };
}
exports.existsSync = existsSync;
exports.exists = (path, callback) => callback(existsSync(path));
exports.promises = promises;
exports.constants = { F_OK: 0, R_OK: 4, W_OK: 2, X_OK: 1 };
