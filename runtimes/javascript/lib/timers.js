// The module `timers`: the timers that the runner installed as globals before the library.
'use strict';

const names = ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'setInterval',
  'clearInterval'];
for (const name of names) exports[name] = globalThis[name];

Object.defineProperty(exports, 'promises', {
  configurable: true, enumerable: true, get: () => require('timers/promises'),
});

// What util.promisify makes of them.
const kCustomPromisify = Symbol.for('nodejs.util.promisify.custom');
for (const name of ['setTimeout', 'setImmediate']) {
  Object.defineProperty(exports[name], kCustomPromisify, {
    enumerable: true, configurable: true, get: () => require('timers/promises')[name],
  });
}
