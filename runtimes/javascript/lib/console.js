// console: prints what Node.js prints into a pipe, line by line through the host.
//
// Left out: the inspector's methods (profile, timeStamp and the like do nothing), and streams of
// other kinds than objects with write().
'use strict';

const { format, formatWithOptions, inspect, getStringWidth } = require('internal/inspect');
const { codes, validateObject } = require('internal/errors');
const types = require('internal/types');

const kGroup = Symbol('kGroupIndent');

/** Milliseconds in the words of console.timeEnd. */
function formatDuration(ms) {
  const fixed = (value, unit) => `${Number(value.toFixed(3))}${unit}`;
  if (ms < 1000) return fixed(ms, 'ms');
  const two = (value) => String(Math.floor(value)).padStart(2, '0');
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(3)}s`;
  const rest = (seconds % 60).toFixed(3).padStart(6, '0');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${rest} (m:ss.mmm)`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)} (h:mm:ss)`;
}

// Tables.

const tableLines = {
  top: ['┌', '┬', '┐'], middle: ['├', '┼', '┤'], bottom: ['└', '┴', '┘'],
};

function renderRow(cells, widths) {
  const shown = cells.map((cell, i) => cell + ' '.repeat(widths[i] - getStringWidth(cell)));
  return `│ ${shown.join(' │ ')} │`;
}

function renderTable(head, columns) {
  const height = Math.max(...columns.map((column) => column.length));
  const cell = (i, row) => columns[i][row] ?? '';
  const widths = head.map((title, i) => Math.max(getStringWidth(title),
    ...Array.from({ length: height }, (_, row) => getStringWidth(cell(i, row)))));
  const line = ([left, cross, right]) => left
    + widths.map((width) => '─'.repeat(width + 2)).join(cross) + right;
  const rows = Array.from({ length: height },
    (_, row) => renderRow(head.map((_title, i) => cell(i, row)), widths));
  return [line(tableLines.top), renderRow(head, widths), line(tableLines.middle), ...rows,
    line(tableLines.bottom)].join('\n');
}

const isPrimitive = (value) => value === null
  || (typeof value !== 'object' && typeof value !== 'function');

function inspectCell(value) {
  const depth = value !== null && typeof value === 'object' && !Array.isArray(value)
    && Object.keys(value).length > 2 ? -1 : 0;
  return inspect(value, { maxArrayLength: 3, breakLength: Infinity, colors: false, depth });
}

const indexTitle = '(index)';
const iterationTitle = '(iteration index)';

/** The table of a Map or Set or of an iterator over one; undefined for other data. */
function tableOfCollection(data) {
  const isMap = types.isMap(data);
  const isMapIterator = types.isMapIterator(data);
  const isIterator = isMapIterator || types.isSetIterator(data);
  const [, entries, areEntries] = isIterator ? host.previewIterator(data) : [];
  if (isMap || (isMapIterator && areEntries)) {
    const pairs = isMap ? [...data]
      : Array.from({ length: entries.length / 2 }, (_, i) => [entries[2 * i], entries[2 * i + 1]]);
    return renderTable([iterationTitle, 'Key', 'Values'], [
      pairs.map((_, i) => `${i}`),
      pairs.map(([key]) => inspectCell(key)),
      pairs.map(([, value]) => inspectCell(value)),
    ]);
  }
  if (!types.isSet(data) && !isIterator) return undefined;
  const values = isIterator ? entries : [...data];
  return renderTable([iterationTitle, 'Values'],
    [values.map((_, i) => `${i}`), values.map(inspectCell)]);
}

function tableOfRows(data, wanted) {
  const columns = new Map();
  const index = Object.keys(data);
  const values = [];
  let hasPrimitives = false;
  index.forEach((key, row) => {
    const item = data[key];
    const primitive = isPrimitive(item);
    if (primitive && wanted === undefined) {
      hasPrimitives = true;
      values[row] = inspectCell(item);
      return;
    }
    for (const name of wanted ?? Object.keys(item)) {
      const column = columns.get(String(name)) ?? [];
      columns.set(String(name), column);
      if (!primitive && Object.hasOwn(item, name)) column[row] = inspectCell(item[name]);
    }
  });
  const head = [indexTitle, ...columns.keys()];
  const all = [index, ...columns.values()];
  if (hasPrimitives) {
    head.push('Values');
    all.push(values);
  }
  return renderTable(head, all);
}

// The console.

/** What a console writes to: `write(isError, text)` and whether errors of writing are ignored. */
function sinkOf(options) {
  if (options === undefined) {
    return (isError, text) => {
      const { stdout, stderr } = require('process');
      (isError ? stderr : stdout).write(`${text}\n`);
    };
  }
  const { stdout, stderr = stdout } = options;
  return (isError, text) => { (isError ? stderr : stdout).write(`${text}\n`); };
}

const methods = {
  log(...args) { this[kPrint](false, args); },
  error(...args) { this[kPrint](true, args); },
  dir(object, options) {
    this[kWrite](false, inspect(object, { customInspect: false, ...options }));
  },
  assert(condition, ...args) {
    if (condition) return;
    args[0] = args.length === 0 ? 'Assertion failed' : `Assertion failed: ${args[0]}`;
    this.warn(...args);
  },
  trace(...args) {
    const error = { name: 'Trace', message: format(...args) };
    Error.captureStackTrace(error, methods.trace);
    const frames = `${error.stack}`.split('\n').filter((line) => line.startsWith('    at '));
    this.error([error.message === '' ? 'Trace' : `Trace: ${error.message}`, ...frames].join('\n'));
  },
  clear() {},
  count(label = 'default') {
    const key = `${label}`;
    const count = (this[kCounts].get(key) ?? 0) + 1;
    this[kCounts].set(key, count);
    this.log(`${key}: ${count}`);
  },
  countReset(label = 'default') {
    const key = `${label}`;
    if (!this[kCounts].delete(key)) {
      require('process').emitWarning(`Count for '${key}' does not exist`);
    }
  },
  time(label = 'default') {
    const key = `${label}`;
    if (this[kTimers].has(key)) {
      require('process').emitWarning(`Label '${key}' already exists for console.time()`);
      return;
    }
    this[kTimers].set(key, host.hrtime());
  },
  timeLog(label = 'default', ...data) { this[kElapsed]('timeLog', `${label}`, data); },
  timeEnd(label = 'default') {
    if (this[kElapsed]('timeEnd', `${label}`, [])) this[kTimers].delete(`${label}`);
  },
  group(...data) {
    if (data.length > 0) this.log(...data);
    this[kGroup] += ' '.repeat(this[kIndentation]);
  },
  groupEnd() {
    this[kGroup] = this[kGroup].slice(0, this[kGroup].length - this[kIndentation]);
  },
  table(data, properties) {
    if (data === null || typeof data !== 'object') return this.log(data);
    if (properties !== undefined && !Array.isArray(properties)) {
      throw codes.ERR_INVALID_ARG_TYPE('properties', 'Array', properties);
    }
    return this.log(tableOfCollection(data) ?? tableOfRows(data, properties));
  },
  dirxml(...data) { this.log(...data); },
};
methods.warn = function warn(...args) { this[kPrint](true, args); };
methods.debug = function debug(...args) { this[kPrint](false, args); };
methods.info = function info(...args) { this[kPrint](false, args); };
methods.groupCollapsed = function groupCollapsed(...data) { this.group(...data); };
for (const name of ['profile', 'profileEnd', 'timeStamp']) {
  methods[name] = { [name]() {} }[name];
}

const order = ['log', 'warn', 'dir', 'time', 'timeEnd', 'timeLog', 'trace', 'assert', 'clear',
  'count', 'countReset', 'group', 'groupEnd', 'table', 'debug', 'info', 'dirxml', 'error',
  'groupCollapsed', 'profile', 'profileEnd', 'timeStamp'];

const kPrint = Symbol('print');
const kWrite = Symbol('write');
const kElapsed = Symbol('elapsed');
const kCounts = Symbol('counts');
const kTimers = Symbol('timers');
const kIndentation = Symbol('indentation');

/** Gives `target` the state and the methods of a console, each bound to it. */
function setUp(target, sink, { groupIndentation = 2, inspectOptions } = {}) {
  const hidden = (value) => ({ value, writable: true, enumerable: false, configurable: true });
  Object.defineProperties(target, {
    [kGroup]: hidden(''),
    [kIndentation]: hidden(groupIndentation),
    [kCounts]: hidden(new Map()),
    [kTimers]: hidden(new Map()),
    [kWrite]: hidden((isError, text) => {
      const indent = target[kGroup];
      sink(isError, indent === '' ? text : indent + text.replaceAll('\n', `\n${indent}`));
    }),
    [kPrint]: hidden((isError, args) => {
      target[kWrite](isError, inspectOptions === undefined ? format(...args)
        : formatWithOptions(inspectOptions, ...args));
    }),
    [kElapsed]: hidden((method, label, data) => {
      const start = target[kTimers].get(label);
      if (start === undefined) {
        require('process').emitWarning(`No such label '${label}' for console.${method}()`);
        return false;
      }
      const text = formatDuration(Number(host.hrtime() - start) / 1e6);
      target.log('%s: %s', label, text, ...data);
      return true;
    }),
  });
  for (const name of order) {
    const method = methods[name].bind(target);
    Object.defineProperty(method, 'name', { value: name });
    target[name] = method;
  }
  return target;
}

/** new Console(stdout, stderr) or new Console({ stdout, stderr, ... }). */
function Console(first, second) {
  if (new.target === undefined) return new Console(...arguments);
  const options = first === null || typeof first?.write === 'function'
    ? { stdout: first, stderr: second } : first;
  validateObject(options, 'options');
  for (const name of ['stdout', 'stderr']) {
    const stream = options[name] ?? (name === 'stderr' ? options.stdout : undefined);
    if (typeof stream?.write !== 'function') {
      const error = new TypeError(`Console expects a writable stream instance for ${name}`);
      error.code = 'ERR_CONSOLE_WRITABLE_STREAM';
      throw error;
    }
  }
  return setUp(this, sinkOf(options), options);
}

const console = setUp({}, sinkOf());
Object.defineProperty(console, Symbol.toStringTag, { value: 'console', configurable: true });
console.Console = Console;
Object.defineProperty(console, 'Console', { enumerable: true });

module.exports = console;
