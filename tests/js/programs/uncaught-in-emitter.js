// An error event without a listener, later, kills the process.
const { EventEmitter } = require('events');
function main() {
  const e = new EventEmitter();
  setImmediate(() => e.emit('error', new Error('unheard')));
  return new Promise((r) => setTimeout(r, 500, {}));
}
