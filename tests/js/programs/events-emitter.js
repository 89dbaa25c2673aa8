// EventEmitter: order, once, prepend, removal, counts.
const EventEmitter = require('events');
function main() {
  const e = new EventEmitter();
  const log = [];
  const a = (...x) => log.push(['a', ...x]);
  e.on('x', a).once('x', () => log.push('once')).prependListener('x', () => log.push('first'));
  const r = [e.emit('x', 1, 2), e.emit('x'), e.emit('nobody')];
  e.off('x', a);
  e.emit('x');
  e.on('y', function () { log.push(this === e); });
  e.emit('y');
  e.on('newListener', (n) => log.push(`new ${n}`));
  e.on('z', a); e.on('z', a);
  return { log, r, counts: [e.listenerCount('x'), e.listenerCount('z'), e.listeners('z').length], names: e.eventNames(), removed: e.removeAllListeners('z').listenerCount('z'), max: e.getMaxListeners(), same: EventEmitter === EventEmitter.EventEmitter };
}
