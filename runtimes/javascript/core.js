// Loads an action's code, calls its `main`, and turns the event loop: what the launcher of
// OpenWhisk's Node.js runtime does (nodejsActionBase), without a server around it.
//
// The shim calls the functions of `exports`; `host` holds its primitives and is completed here for
// the library, which is evaluated at the end of this file. None of it runs twice in an instance.

/** What `host.text` and its like look up: constants of the host, in `script/host.rs`. */
const LIBRARY = 0;
const INPUT = 1;
const CODE = 2;
const FILE = 3;
const MAIN = 4;
const FILES = 5;
const ENVIRONMENT = 6;
const ANSWER = 7;
const BODY = 8;
/** There if memory was asked for beyond the action's limit. */
const LIMIT = 9;

/** How a script ended: kinds of `host.answer`. */
const RESULT = 0;
const ERROR = 1;
const INIT_ERROR = 2;
const EXITED = 3;
const NEVER_SETTLED = 4;
const OUT_OF_MEMORY = 5;
const STILL_LOADING = 6;

/** The name under which a plain script stands in stack traces. */
const SCRIPT = 'action.js';
/** Two lines, so that the script's own first line, behind them, is line 1. */
const HEAD = '(function (exports, require, module, __filename, __dirname) {\n\n';
const FIRST_LINE = -1;

/** Of the engine alone; the library hides it. */
const { InternalError } = globalThis;
/** What answers rest on: a script may put others in their place, in its own instance. */
const { stringify } = JSON;
const { apply } = Reflect;
const { then } = Promise.prototype;
const resolved = Promise.resolve.bind(Promise);
const missing = host.json(LIBRARY, 'missing');
const missingGlobals = new Set(missing.globals);
const missingModules = new Set(missing.modules);

/** The error of something that Node.js has and this engine lacks. */
host.unavailable = (name) =>
  new Error(
    `'${name}' is not available in this engine; with the annotation driver: docker the action runs in Node.js itself.`,
  );
host.environ = () => host.json(ENVIRONMENT, '') ?? [];

exports.missing = (name) => (missingGlobals.has(name) ? host.unavailable(name) : undefined);

// --- the end ------------------------------------------------------------------------------------

let hasEnded = false;

function end(kind, text) {
  if (hasEnded) return;
  hasEnded = true;
  process.flush();
  host.answer(kind, text);
}

/** Where not even an error could be made, null is thrown. */
function isOutOfMemory(error) {
  const isIt = error === null || (error instanceof InternalError && error.message === 'out of memory');
  return isIt && host.open(LIMIT, '') !== undefined;
}

/** `String(error)`, whatever it is. */
function textOf(error) {
  try {
    return String(error);
  } catch {
    return Object.prototype.toString.call(error);
  }
}

/** An error that ends the run as a failure of the action's code. */
function fail(error) {
  if (isOutOfMemory(error)) return end(OUT_OF_MEMORY, '');
  end(ERROR, stringify(`An error has occurred: ${textOf(error)}`));
}

function failToLoad(error) {
  if (isOutOfMemory(error)) return end(OUT_OF_MEMORY, '');
  const text = error instanceof Error && error.stack ? error.stack : textOf(error);
  end(INIT_ERROR, `Initialization has failed due to: ${text}`);
}

/** What would end the process of Node.js. */
function crash(error, origin) {
  if (hasEnded) return;
  const event = origin === 'unhandledRejection' ? origin : 'uncaughtException';
  if (process.listenerCount(event) > 0) {
    process.emit(event, error, origin);
    return;
  }
  if (isOutOfMemory(error)) return end(OUT_OF_MEMORY, '');
  console.error(origin === 'unhandledRejection' ? 'Unhandled rejection:' : 'Uncaught', error);
  exit();
}

function exit() {
  end(EXITED, '');
  host.exit();
}

// --- code ---------------------------------------------------------------------------------------

const builtins = new Map();
const cache = Object.create(null);
/** The function to call; once code is loaded. */
let handler;
/** Settles when an ES module, which may wait, is loaded. */
let loading;
let packageType;

function notFound(name) {
  const error = new Error(`Cannot find module '${name}'`);
  error.code = 'MODULE_NOT_FOUND';
  return error;
}

/** The exports of a module of Node.js, or undefined. */
function builtin(name) {
  return builtins.get(name.startsWith('node:') ? name.slice(5) : name);
}

/** Why something cannot be had by its bare name: a package, or a module of Node.js. */
function notHere(name) {
  if (name.startsWith('node:') && !missingModules.has(name.slice(5))) {
    const error = new Error(`No such built-in module: ${name}`);
    error.code = 'ERR_UNKNOWN_BUILTIN_MODULE';
    return error;
  }
  const error = host.unavailable(name);
  error.code = 'MODULE_NOT_FOUND';
  return error;
}

const isRelative = (name) => /^\.{0,2}\/|^\.{1,2}$/.test(name);

/** The path that `name` leads to from a folder; without a slash in front. */
function join(folder, name) {
  const parts = name.startsWith('/') ? [] : folder.split('/').filter(Boolean);
  for (const part of name.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.' && part !== '') parts.push(part);
  }
  return parts.join('/');
}

const folderOf = (path) => path.slice(0, Math.max(path.lastIndexOf('/'), 0));
const isFile = (path) => path !== '' && host.open(FILE, path) !== undefined;

/** As Node.js finds a file: as it is, with an extension, as a folder. */
function findFile(path) {
  const candidates = [path, `${path}.js`, `${path}.json`, `${path}.cjs`, `${path}.mjs`];
  const found = candidates.find(isFile);
  if (found) return found;
  const folder = path === '' ? '' : `${path}/`;
  const main = manifest(`${folder}package.json`)?.main;
  if (typeof main === 'string') {
    const inside = join(path, main);
    const file = [inside, `${inside}.js`, `${inside}/index.js`].find(isFile);
    if (file) return file;
  }
  return [`${folder}index.js`, `${folder}index.json`].find(isFile);
}

function manifest(path) {
  const text = host.text(FILE, path);
  return text === undefined ? undefined : parseJson(text, path);
}

function parseJson(text, path) {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    error.message = `/${path}: ${error.message}`;
    throw error;
  }
}

const isModule = (path) => path.endsWith('.mjs') || (path.endsWith('.js') && packageType === 'module');

class Module {
  constructor(path, parent) {
    this.id = `/${path}`;
    this.path = `/${folderOf(path)}`;
    this.exports = {};
    this.filename = `/${path}`;
    this.loaded = false;
    this.children = [];
    this.parent = parent;
  }
}

function requireIn(module, folder) {
  const find = (name) => {
    const path = findFile(join(folder, name));
    if (path === undefined) throw notFound(name);
    return path;
  };
  const require = (name) => {
    if (typeof name !== 'string') throw new TypeError('The "id" argument must be of type string.');
    if (isRelative(name)) return requireFile(find(name), module);
    const found = builtin(name);
    if (found === undefined) throw notHere(name);
    return found;
  };
  require.resolve = (name) => {
    if (isRelative(name)) return `/${find(name)}`;
    if (builtin(name) === undefined) throw notHere(name);
    return name;
  };
  require.cache = cache;
  // The launcher's own module in OpenWhisk: never the action's.
  require.main = undefined;
  return require;
}

function requireFile(path, parent) {
  const known = cache[`/${path}`];
  if (known) return known.exports;
  if (isModule(path)) {
    const error = new Error(`require() of ES Module /${path} is not supported; use import().`);
    error.code = 'ERR_REQUIRE_ESM';
    throw error;
  }
  const module = new Module(path, parent);
  cache[`/${path}`] = module;
  try {
    const source = host.text(FILE, path);
    if (path.endsWith('.json')) module.exports = parseJson(source, path);
    else runCommonJs(module, source, path, '');
    module.loaded = true;
  } catch (error) {
    delete cache[`/${path}`];
    throw error;
  }
  parent?.children.push(module);
  return module.exports;
}

/** Evaluates a script in its function. Its first line is line 1 of the file. */
function runCommonJs(module, source, path, tail) {
  const text = source.startsWith('#!') ? `//${source}` : source;
  const body = host.compile(`${HEAD}${text}\n${tail}})`, path, FIRST_LINE);
  const require = requireIn(module, folderOf(path));
  return body.call(module.exports, module.exports, require, module, module.filename, module.path);
}

function runEsModule(module, main) {
  const [namespace, evaluated] = host.evaluateModule(module);
  loading = evaluated.then(() => {
    handler = namespace[main] ?? (main === 'main' ? namespace.default : undefined);
    if (typeof handler === 'object' && handler !== null) handler = handler[main];
    checkHandler(main);
  });
}

function checkHandler(main) {
  if (typeof handler !== 'function') {
    throw `Action entrypoint '${main}' is not a function.`;
  }
}

/** The launcher's own words for where it looks. */
const tailOf = (main) =>
  `;try { return ${main} } catch (e) { if (e.name === 'ReferenceError') return module.exports.${main} || exports.${main}; throw e }`;

function loadScript(main) {
  if (!/^[\p{ID_Start}$_][\p{ID_Continue}$.]*$/u.test(main)) {
    throw 'Name of main function is not valid.';
  }
  const source = host.text(CODE, '');
  const module = new Module(SCRIPT);
  try {
    handler = runCommonJs(module, source, SCRIPT, tailOf(main));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const found = asModule(source);
    if (found === undefined) throw error;
    return runEsModule(found, main);
  }
  checkHandler(main);
}

/** What is no script may be an ES module; undefined if it is not. */
function asModule(source) {
  const looksLikeIt = /^[ \t]*(?:import|export)\b|\bimport\.meta\b/m.test(source);
  try {
    return host.compileModule(source, SCRIPT);
  } catch (error) {
    if (looksLikeIt) throw error;
    return undefined;
  }
}

/** `main`, `file.main` or `folder/file.main`. */
function splitMain(main) {
  const found = /^(?:(.+)\.)?([\p{ID_Start}$_][\p{ID_Continue}$]*)$/u.exec(main);
  if (!found) throw 'Name of main function is not valid.';
  return [found[1], found[2]];
}

function loadArchive(main) {
  const [file, name] = splitMain(main);
  if (file === undefined && !isFile('package.json') && !isFile('index.js')) {
    throw 'Zipped actions must contain either package.json or index.js at the root.';
  }
  packageType = manifest('package.json')?.type;
  const path = findFile(file ?? '');
  if (path === undefined) throw notFound(file ?? '/');
  if (isModule(path)) return runEsModule(host.compileModule(host.text(FILE, path), path), name);
  handler = requireFile(path)?.[name];
  checkHandler(main);
}

exports.load = () => {
  try {
    const main = host.text(MAIN, '') || 'main';
    if (host.open(FILES, '')?.length) loadArchive(main);
    else loadScript(main);
  } catch (error) {
    failToLoad(error);
  }
  loading?.then(
    () => (loading = undefined),
    (error) => failToLoad(error),
  );
};

/** The name of what `name`, imported by the file `base`, leads to. */
exports.resolve = (base, name) => {
  if (!isRelative(name)) {
    if (builtin(name) === undefined) throw notHere(name);
    return name.startsWith('node:') ? name : `node:${name}`;
  }
  const path = join(folderOf(base), name);
  if (!isFile(path)) throw notFound(name);
  return path;
};

/** Source of an ES module, or [exports] of what is none. */
exports.import = (name) => {
  const found = name.startsWith('node:') ? builtin(name) : undefined;
  if (found !== undefined) return [found];
  return isModule(name) ? host.text(FILE, name) : [requireFile(name)];
};

// --- one call -----------------------------------------------------------------------------------

let isRunning = false;

exports.run = () => {
  isRunning = true;
  if (loading) loading.then(callMain);
  else callMain();
};

function callMain() {
  if (hasEnded) return;
  let result;
  try {
    result = handler(host.json(INPUT, ''));
  } catch (error) {
    console.error(error);
    return fail(error);
  }
  apply(then, resolved(result), [settle, reject]);
}

function settle(value) {
  const result = value === undefined ? {} : value;
  if (typeof result !== 'object') {
    console.error(`Result must be of type object but has type "${typeof result}":`, result);
    return end(ERROR, stringify('The action did not return a dictionary.'));
  }
  tell(result);
}

/** A rejection is an answer with an `error`. */
function reject(reason) {
  if (isOutOfMemory(reason)) return end(OUT_OF_MEMORY, '');
  tell({ error: reason ? serializeError(reason, new Set()) : {} });
}

function tell(result) {
  try {
    end(RESULT, stringify(result) ?? '');
  } catch (error) {
    fail(error);
  }
}

/** As the package serialize-error, which the launcher uses. */
function serializeError(value, seen) {
  if (typeof value === 'function') return `[Function: ${value.name || 'anonymous'}]`;
  if (typeof value !== 'object' || value === null) return value;
  const to = Array.isArray(value) ? [] : {};
  seen.add(value);
  for (const [key, member] of Object.entries(value)) {
    if (typeof member === 'function') continue;
    if (typeof member !== 'object' || member === null) to[key] = member;
    else if (seen.has(member)) to[key] = '[Circular]';
    else to[key] = serializeError(member, new Set(seen));
  }
  for (const key of ['name', 'message', 'stack', 'code']) {
    if (typeof value[key] === 'string') to[key] = value[key];
  }
  return to;
}

// --- the event loop -----------------------------------------------------------------------------

const ticks = [];
const immediates = [];
const rejections = new Map();
/** Requests on their way, by number. */
const requests = new Map();
/** Timers, the next one first; of those at one time, the older one. */
const timers = [];
/** Time as this turn of the loop sees it, milliseconds; timers count from it, as in Node.js. */
let now;

const updateNow = () => (now = Math.floor(Number(host.hrtime()) / 1e6));

function nextTick(callback, ...args) {
  if (typeof callback !== 'function') throw notAFunction(callback);
  ticks.push([callback, args]);
}

function notAFunction(callback) {
  const error = new TypeError(
    `The "callback" argument must be of type function. Received ${util.inspect(callback)}`,
  );
  error.code = 'ERR_INVALID_ARG_TYPE';
  return error;
}

/** What may keep the loop turning. */
class Referenced {
  ref() {
    this._refed = true;
    return this;
  }
  unref() {
    this._refed = false;
    return this;
  }
  hasRef() {
    return this._refed;
  }
}

class Timeout extends Referenced {
  constructor(callback, delay, args, isRepeated) {
    super();
    const ms = delay * 1;
    this._idleTimeout = ms >= 1 && ms <= 2147483647 ? Math.trunc(ms) : 1;
    this._onTimeout = callback;
    this._timerArgs = args;
    this._repeat = isRepeated ? this._idleTimeout : null;
    this._destroyed = false;
    this._refed = true;
    for (const key of Object.keys(this)) Object.defineProperty(this, key, { enumerable: false });
    schedule(this);
  }
  refresh() {
    if (!this._destroyed) {
      unschedule(this);
      schedule(this);
    }
    return this;
  }
  close() {
    clearTimeout(this);
    return this;
  }
  [Symbol.toPrimitive]() {
    return idOf(this);
  }
}

class Immediate extends Referenced {
  constructor(callback, args) {
    super();
    Object.defineProperty(this, '_call', { value: () => callback(...args) });
    Object.defineProperty(this, '_refed', { value: true, writable: true });
  }
}

const byId = new Map();
const ids = new WeakMap();

function idOf(timeout) {
  if (!ids.has(timeout)) {
    ids.set(timeout, byId.size + 1);
    byId.set(byId.size + 1, timeout);
  }
  return ids.get(timeout);
}

function schedule(timeout) {
  const due = (now ?? updateNow()) + timeout._idleTimeout;
  Object.defineProperty(timeout, '_due', { value: due, configurable: true });
  let at = timers.length;
  while (at > 0 && timers[at - 1]._due > due) at--;
  timers.splice(at, 0, timeout);
}

function unschedule(timeout) {
  const at = timers.indexOf(timeout);
  if (at >= 0) timers.splice(at, 1);
}

function setTimeout(callback, delay, ...args) {
  if (typeof callback !== 'function') throw notAFunction(callback);
  return new Timeout(callback, delay, args, false);
}

function setInterval(callback, delay, ...args) {
  if (typeof callback !== 'function') throw notAFunction(callback);
  return new Timeout(callback, delay, args, true);
}

function setImmediate(callback, ...args) {
  if (typeof callback !== 'function') throw notAFunction(callback);
  const immediate = new Immediate(callback, args);
  immediates.push(immediate);
  return immediate;
}

function clearTimeout(timeout) {
  const found = timeout instanceof Timeout ? timeout : byId.get(Number(timeout));
  if (!found) return;
  Object.defineProperty(found, '_destroyed', { value: true, configurable: true });
  unschedule(found);
}

function clearImmediate(immediate) {
  for (const list of [immediates, batch]) {
    const at = list.indexOf(immediate);
    if (at >= 0) list.splice(at, 1);
  }
}

exports.ticks = () => {
  while (ticks.length > 0) {
    const [callback, args] = ticks.shift();
    callback(...args);
  }
};

exports.rejection = (promise, reason, isHandled) => {
  if (isHandled) rejections.delete(promise);
  else rejections.set(promise, reason);
};

/** Whether there is something to do before the loop turns. Nothing is left but rejections now. */
exports.hasMore = () => {
  if (ticks.length > 0) return true;
  for (const [promise, reason] of rejections) {
    rejections.delete(promise);
    crash(reason, 'unhandledRejection');
    return true;
  }
  return false;
};

exports.uncaught = (error) => crash(error, 'uncaughtException');

/** Immediates of this turn of the loop; those that they begin belong to the next. */
let batch = [];
/** As in Node.js, where `main` is called when a request has come in: immediates, then timers. */
let isCheckNext = true;

/** Does one thing of those that wait their turn. True: all is done. */
exports.turn = () => {
  if (hasEnded) return true;
  if (!isRunning) {
    const isWaiting = loading || timers.length > 0 || immediates.length > 0 || requests.size > 0;
    if (isWaiting) host.answer(STILL_LOADING, '');
    return true;
  }
  if (runOne()) return false;
  const keepsAlive = requests.size > 0 || timers.some((timer) => timer._refed);
  if (!keepsAlive) {
    neverSettled();
    return true;
  }
  const number = host.wait(timers.length > 0 ? Math.max(timers[0]._due - now, 0) : -1);
  if (number > 0) answered(number);
  return false;
};

/** Runs an immediate or a timer, if there is one whose time has come. */
function runOne() {
  if (batch.length === 0 && isCheckNext) {
    isCheckNext = false;
    batch = immediates.splice(0);
  }
  const immediate = batch.shift();
  if (immediate) return immediate._call(), true;
  if (timers.length > 0 && updateNow() >= timers[0]._due) {
    runTimer(timers.shift());
    return true;
  }
  isCheckNext = true;
  return immediates.length > 0;
}

function neverSettled() {
  if (loading) failToLoad('the top level waits for a promise that can never settle');
  else end(NEVER_SETTLED, '');
}

function runTimer(timeout) {
  if (timeout._repeat !== null) schedule(timeout);
  else Object.defineProperty(timeout, '_destroyed', { value: true, configurable: true });
  timeout._onTimeout(...timeout._timerArgs);
}

/** Sends a request. `done` is called with its answer, `{status…}` or `{error…}`, and the body. */
function request(head, body, done) {
  const number = host.send(stringify(head), body);
  if (number === 0) {
    const text = 'Too many requests of this activation are under way.';
    queueMicrotask(() => done({ error: { kind: 'failed', text } }));
    return () => {};
  }
  requests.set(number, done);
  return () => {
    if (requests.delete(number)) host.cancel(number);
  };
}

function answered(number) {
  const done = requests.get(number);
  requests.delete(number);
  done?.(host.json(ANSWER, ''), host.open(BODY, ''));
}

host.request = request;
host.readFile = (path) => host.open(FILE, path);
host.listFiles = () => host.text(FILES, '').split('\n').filter(Boolean);

// --- the library --------------------------------------------------------------------------------

for (const [name, member] of Object.entries({
  setTimeout,
  setInterval,
  setImmediate,
  clearTimeout,
  clearInterval: clearTimeout,
  clearImmediate,
})) {
  Object.defineProperty(globalThis, name, {
    value: member,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

const libraryModules = new Map();

function requireLibrary(name) {
  const found = libraryModules.get(name.replace(/^node:/, ''));
  if (!found) throw new Error(`the library has no module '${name}'`);
  return found.exports;
}

for (const { name, isPublic } of host.json(LIBRARY, 'modules')) {
  const module = { exports: {} };
  libraryModules.set(name, module);
  host.library(name)(module.exports, requireLibrary, module, host);
  if (isPublic) builtins.set(name, module.exports);
}

const util = requireLibrary('util');
const process = requireLibrary('process');
process.exit = exit;
process.setNextTick(nextTick);
