// Which methods write to stdout and which to stderr, in order.
function main() {
  console.log('log');
  console.error('error');
  console.info('info');
  console.warn('warn');
  console.debug('debug');
  console.dir({ a: { b: { c: { d: 1 } } } });
  console.dir({ a: { b: { c: { d: 1 } } } }, { depth: 0 });
  console.dir('text');
  console.dirxml({ x: 1 }, [2]);
  process.stdout.write('no newline ');
  process.stderr.write('other stream\n');
  process.stdout.write('then one\n');
  process.stdout.write(Buffer.from('bytes\nlast without newline'));
}
