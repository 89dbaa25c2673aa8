// The module `timers`: the timers that the runner installed as globals.
'use strict';

const names = ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'setInterval',
  'clearInterval'];
for (const name of names) {
  exports[name] = { [name]: (...args) => globalThis[name](...args) }[name];
}
Object.defineProperty(exports, 'promises', {
  configurable: true, enumerable: true, get: () => require('timers/promises'),
});
