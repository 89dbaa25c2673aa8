// Takes out of an outcome what two engines may word or place differently, and nothing else, so that the
// outcomes of Node and of the platform can be compared as text.
//
//   node normalise.mjs DIR   reads lines of JSON, as launcher.mjs writes them, and writes them
//                            normalised; DIR holds the programs, for their directives
//
// What is replaced:
// - members `stack` of results that are strings: "<stack>"
// - log lines of a stack trace: dropped
// - the text of a failed initialisation: from the error's `name: message` on, without a stack
// - stderr of an activation that failed to initialise or whose process died: dropped, because the
//   engine reports such errors there in its own form
// - in programs with the directive `// engine-message`: messages of the language's own errors

import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const NAMES = 'TypeError|RangeError|SyntaxError|ReferenceError|EvalError|URIError|InternalError|Error';
// The message, with the lines that V8 adds to it to show a circle.
const CIRCLE = '\\s+(?:-->|\\||---) .*';
const NAMED = new RegExp(`\\b(${NAMES}): .*(?:\\n${CIRCLE})*`, 'g');
const CIRCLE_LINE = new RegExp(`^${CIRCLE}$`);
const NAME = new RegExp(`^(${NAMES})$`);
const TRACE = /^\s+(at |\.\.\. \d+ lines matching cause stack trace)/;

export const INIT = 'Initialization has failed due to: ';
export const DIED = 'The action did not produce a valid response and exited unexpectedly.';

/** The comment lines on top of a program, without the slashes. */
function header(source) {
  const found = [];
  for (const line of source.split('\n')) {
    if (!line.startsWith('//')) break;
    found.push(line.slice(2).trim());
  }
  return found;
}

/** What a program's leading comment lines ask for. */
export function directives(source) {
  const lines = header(source);
  const value = (key) => lines.find((line) => line.startsWith(`${key}:`))?.slice(key.length + 1).trim();
  return {
    main: value('main') ?? 'main',
    args: JSON.parse(value('args') ?? '{}'),
    env: JSON.parse(value('env') ?? '{}'),
    engineMessage: lines.includes('engine-message'),
  };
}

/** One outcome (an object, or its JSON), normalised for the program with this source. */
export function normalise(line, source) {
  const outcome = typeof line === 'string' ? JSON.parse(line) : line;
  const { engineMessage } = directives(source);
  const told = outcome.result?.error;
  const reported = outcome.class === 'developer error' && typeof told === 'string'
    && (told.startsWith(INIT) || told === DIED);

  const text = (value) => (engineMessage ? value.replace(NAMED, '$1') : value);
  const walk = (value) => {
    if (typeof value === 'string') return text(initialisation(value));
    if (Array.isArray(value)) return value.map(walk);
    if (value === null || typeof value !== 'object') return value;
    const hide = engineMessage && NAME.test(value.name) && typeof value.message === 'string';
    return Object.fromEntries(Object.entries(value).map(([key, member]) => {
      if (key === 'stack' && typeof member === 'string') return [key, '<stack>'];
      if (key === 'message' && hide) return [key, '<message>'];
      return [key, walk(member)];
    }));
  };

  return {
    name: outcome.name,
    class: outcome.class,
    result: walk(outcome.result),
    logs: outcome.logs
      .filter(([stream, logged]) => !TRACE.test(logged) && !(reported && stream === 'stderr')
        && !(engineMessage && CIRCLE_LINE.test(logged)))
      .map(([stream, logged]) => [stream, text(logged)]),
  };
}

/** A failed initialisation's text without what stands around the error's name and message. */
function initialisation(text) {
  if (!text.startsWith(INIT)) return text;
  const lines = text.slice(INIT.length).split('\n').filter((line) => !TRACE.test(line));
  const start = lines.findIndex((line) => /^\w*Error(: |$)/.test(line));
  return INIT + lines.slice(Math.max(start, 0)).join('\n').trimEnd();
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const dir = process.argv[2];
  if (!dir) {
    console.error('usage: node normalise.mjs DIR < outcomes');
    process.exit(2);
  }
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() === '') continue;
    const outcome = JSON.parse(line);
    console.log(JSON.stringify(normalise(outcome, readFileSync(join(dir, outcome.name), 'utf8'))));
  }
}
