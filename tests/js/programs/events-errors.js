// Error events without listeners are thrown; listeners may throw too.
const { EventEmitter } = require('node:events');
class Job extends EventEmitter { run(n) { this.emit('start', n); if (n < 0) this.emit('error', new RangeError('negative')); else this.emit('done', n * 2); return this; } }
function main() {
  const log = [];
  try { new Job().run(-1); } catch (e) { log.push(`${e.name}: ${e.message}`); }
  new Job().on('error', (e) => log.push(`handled ${e.message}`)).run(-1);
  new Job().on('done', (v) => log.push(v)).run(4);
  try { new EventEmitter().emit('error', 'text'); } catch (e) { log.push(e.code); }
  const j = new Job().on('start', () => { throw new Error('in listener'); });
  try { j.run(1); } catch (e) { log.push(e.message); }
  try { j.on('x', 'nofn'); } catch (e) { log.push(e.code); }
  const self = new EventEmitter();
  self.on('e', function f() { self.off('e', f); log.push('f'); }); self.on('e', () => log.push('g'));
  self.emit('e'); self.emit('e');
  return { log };
}
