// Errors in the log: alone, in objects, with members, with a cause.
class AppError extends Error { constructor(m, o) { super(m, o); this.name = 'AppError'; } }
class Plain extends Error {}
function main() {
  console.log(new Error('plain'));
  console.error('failed:', new TypeError('bad type'));
  console.log(Object.assign(new Error('with members'), { code: 'E_X', detail: { a: 1 } }));
  console.log(new AppError('custom', { cause: new Error('root') }));
  console.log(new Plain('subclass'));
  console.log(new Error(''));
  console.log('%s and %s', new Error('as text'), 'x');
  console.log(String(new AppError('text')));
  console.log(new Error('multi\nline'));
}
