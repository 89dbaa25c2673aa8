// Runs action programs under Node with the rules of Apache OpenWhisk's launcher for Node.
//
//   node launcher.mjs DIR             one line of JSON per program of DIR, sorted by name:
//                                     {"name", "class", "result", "logs": [["stdout", "line"], ...]}
//   node launcher.mjs --raw DIR       the same, not normalised (see normalise.mjs)
//   node launcher.mjs [--raw] FILE    one program
//
// Each program has a process of its own, which tells what is written and what comes out on descriptor 3,
// in the order in which it happens. Directives stand in the comment lines on top of a program:
// `// main: NAME`, `// args: JSON`, `// env: JSON`, `// engine-message`.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';
import { DIED, INIT, directives, normalise } from './normalise.mjs';

const AT_ONCE = 2;
const LIMIT_MS = 10_000;
const NOT_JSON = 'The action did not produce a valid JSON or JSON Array response: ';
const ME = fileURLToPath(import.meta.url);

const success = (result) => ({ class: 'success', result });
const applicationError = (error) => ({ class: 'application error', result: { error } });
const developerError = (error) => ({ class: 'developer error', result: { error } });

// ---------------------------------------------------------------------------------------------------
// The process of one program.

function tell(message) {
  let rest = Buffer.from(`${JSON.stringify(message)}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(fs.writeSync(3, rest));
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}

/** Tells what came out and ends the process, whatever else is pending. */
function end(outcome) {
  tell(outcome);
  process.reallyExit(0);
}

function captureLogs() {
  for (const stream of ['stdout', 'stderr']) {
    process[stream].write = (chunk, encoding, callback) => {
      const done = typeof encoding === 'function' ? encoding : callback;
      const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8');
      tell([stream, text]);
      if (done) process.nextTick(done);
      return true;
    };
  }
}

/** What a plain script hands over as its entry, or the entry that an ES module exports. */
async function handlerOf(source, main, file) {
  const wrapped = `(function (exports, require, module, __filename, __dirname) { return (function(){ ${source}
; try { return ${main} } catch (e) { if (e.name === 'ReferenceError') return module.exports.${main} || exports.${main}; else throw e } })() })`;
  let script;
  try {
    script = new vm.Script(wrapped, {
      filename: file,
      importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
  } catch (error) {
    if (!/^\s*(import\s*[\w{*'"]|export\s)/m.test(source)) throw error;
    const url = `data:text/javascript;base64,${Buffer.from(source).toString('base64')}`;
    const module = await import(url);
    return module[main] ?? module.default;
  }
  const module = { exports: {} };
  return script.runInThisContext()(module.exports, createRequire(file), module, file, dirname(file));
}

/** As serialize-error 2 and 3 from npm. */
function serializeError(value) {
  if (typeof value === 'function') return `[Function: ${value.name || 'anonymous'}]`;
  if (typeof value !== 'object' || value === null) return value;
  return copy(value, []);
}

function copy(from, path) {
  const to = Array.isArray(from) ? [] : {};
  const here = [...path, from];
  for (const key of Object.keys(from)) {
    const member = from[key];
    if (typeof member === 'function') continue;
    if (!member || typeof member !== 'object') to[key] = member;
    else if (here.includes(member)) to[key] = '[Circular]';
    else to[key] = copy(member, here);
  }
  for (const key of ['name', 'message', 'stack', 'code']) {
    if (typeof from[key] === 'string') to[key] = from[key];
  }
  return to;
}

/** What becomes of the value with which `main` was fulfilled. */
function outcomeOf(settled) {
  const value = settled === undefined ? {} : settled;
  if (typeof value !== 'object') {
    console.error(`Result must be of type object but has type "${typeof value}":`, value);
    return developerError('The action did not return a dictionary.');
  }
  let text;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    return developerError(`An error has occurred: ${String(error)}`);
  }
  const result = text === undefined ? undefined : JSON.parse(text);
  if (typeof result !== 'object' || result === null) return developerError(NOT_JSON + text);
  if (Object.hasOwn(result, 'error')) return applicationError(result.error);
  return success(result);
}

async function runOne(file) {
  const source = fs.readFileSync(file, 'utf8');
  const { main, args } = directives(source);
  captureLogs();

  let handler;
  try {
    handler = await handlerOf(source, main, file);
  } catch (error) {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return end(developerError(INIT + text));
  }
  if (typeof handler !== 'function') {
    return end(developerError(`${INIT}Action entrypoint '${main}' is not a function.`));
  }

  process.on('beforeExit', () => end(developerError(`${NOT_JSON}main() never settled.`)));
  // As in a server that got a request: from a callback of input, on an empty queue of microtasks.
  fs.stat(file, () => {
    let result;
    try {
      result = handler(args);
    } catch (error) {
      console.error(error);
      return end(developerError(`An error has occurred: ${String(error)}`));
    }
    Promise.resolve(result).then(
      (value) => end(outcomeOf(value)),
      (reason) => end(outcomeOf({ error: reason ? serializeError(reason) : {} })),
    );
  });
}

// ---------------------------------------------------------------------------------------------------
// The parent.

/** The lines of two streams, each in the place where its newline was written. */
function linesOf(chunks) {
  const lines = [];
  const open = { stdout: '', stderr: '' };
  for (const [stream, text] of chunks) {
    const parts = (open[stream] + text).split('\n');
    open[stream] = parts.pop();
    for (const part of parts) lines.push([stream, part]);
  }
  for (const stream of ['stdout', 'stderr']) if (open[stream] !== '') lines.push([stream, open[stream]]);
  return lines;
}

function outcomeOfProcess(file) {
  const { env } = directives(fs.readFileSync(file, 'utf8'));
  const child = spawn(process.execPath, [ME, '--one', file], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      TZ: 'UTC',
      __OW_ACTION_NAME: `/guest/${basename(file, '.js')}`,
      __OW_ACTION_VERSION: '0.0.1',
      __OW_NAMESPACE: 'guest',
      __OW_ACTIVATION_ID: '0'.repeat(32),
      __OW_TRANSACTION_ID: 't',
      __OW_DEADLINE: String(Date.now() + 60_000),
      __OW_API_HOST: 'http://127.0.0.1:1',
      ...env,
    },
  });
  child.stdout.resume();
  child.stderr.resume();
  let told = '';
  child.stdio[3].setEncoding('utf8').on('data', (text) => { told += text; });

  return new Promise((done) => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, LIMIT_MS);
    child.on('close', () => {
      clearTimeout(timer);
      const messages = told.split('\n').filter((line) => line.endsWith('}') || line.endsWith(']'));
      const parsed = messages.map((line) => JSON.parse(line));
      const at = parsed.findIndex((message) => !Array.isArray(message));
      const outcome = at >= 0 ? parsed[at]
        : developerError(late ? `The program was still running after ${LIMIT_MS} ms.` : DIED);
      const chunks = at >= 0 ? parsed.slice(0, at) : parsed;
      done({ late, outcome: { name: basename(file), ...outcome, logs: linesOf(chunks) } });
    });
  });
}

async function runAll(path, raw) {
  const files = fs.statSync(path).isDirectory()
    ? fs.readdirSync(path).filter((name) => name.endsWith('.js')).sort().map((name) => join(path, name))
    : [path];
  const outcomes = [];
  let next = 0;
  let written = 0;
  const work = async () => {
    while (next < files.length) {
      const mine = next;
      next += 1;
      outcomes[mine] = await outcomeOfProcess(files[mine]);
      for (; outcomes[written]; written += 1) {
        const { late, outcome } = outcomes[written];
        const source = fs.readFileSync(files[written], 'utf8');
        console.log(JSON.stringify(raw ? outcome : normalise(outcome, source)));
        if (late) process.exitCode = 1;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

if (process.argv[2] === '--one') {
  await runOne(process.argv[3]);
} else {
  const words = process.argv.slice(2);
  const raw = words[0] === '--raw';
  const path = words[raw ? 1 : 0];
  if (!path) {
    console.error('usage: node launcher.mjs [--raw] DIR');
    process.exit(2);
  }
  await runAll(resolve(path), raw);
}
