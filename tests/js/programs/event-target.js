// EventTarget, Event and CustomEvent.
function main() {
  const t = new EventTarget();
  const log = [];
  t.addEventListener('hi', (e) => log.push([e.type, e.detail, e.cancelable, e instanceof Event]));
  t.addEventListener('hi', { handleEvent(e) { e.preventDefault(); log.push('object'); } }, { once: true });
  t.addEventListener('hi', (e) => { e.stopImmediatePropagation(); log.push('stop'); });
  t.addEventListener('hi', () => log.push('never'));
  const r = [t.dispatchEvent(new CustomEvent('hi', { detail: 7, cancelable: true })), t.dispatchEvent(new Event('hi')), t.dispatchEvent(new Event('other'))];
  return { log, r };
}
