// Groups indent, also several lines and stderr.
function main() {
  console.log('top');
  console.group('Group %s', 'A');
  console.log('inside\ntwo lines');
  console.error('error inside');
  console.group();
  console.log({ a: 1, b: { c: 'a rather long text', d: 'another rather long text', e: 'and more of it' } });
  console.groupEnd();
  console.info('back one');
  console.groupEnd();
  console.groupEnd();
  console.groupCollapsed('collapsed');
  console.table([{ a: 1 }]);
  console.groupEnd();
  console.log('end');
}
