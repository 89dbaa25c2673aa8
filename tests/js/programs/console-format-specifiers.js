// Format specifiers of console.log.
function main() {
  console.log('%s|%s|%s|%s|%s', 'text', 42, -0, 10n, Symbol('s'));
  console.log('%s|%s|%s|%s', null, undefined, true, { a: { b: { c: 1 } } });
  console.log('%d|%d|%d|%d|%d', 42, '4.5', 'x', 7n, {});
  console.log('%i|%i|%i|%i', 42.9, '12px', 7n, 'x');
  console.log('%f|%f|%f', 1.5, '2.5abc', 'x');
  console.log('%j|%j', { a: [1, 'x'] }, 'text');
  console.log('100%', 5, '%%', '%s');
  console.log('%% %s %', 'a', 'extra', { b: 1 });
  console.log('%c styled %c', 'color: red', '');
  console.log('%s %s', 'only one');
  console.log('%x %S', 1);
  console.log(5, '%s', 'not a format');
  console.log('%s', 'a', 'b', ['c']);
}
