// Names, causes, own properties and the text of errors.
class NotFound extends Error { get name() { return 'NotFound'; } }
function main() {
  const e = new Error('msg', { cause: { code: 1 } });
  const errs = [new TypeError('t'), new NotFound('n'), new Error(), new Error(''), Object.assign(new Error('x'), { name: '' }), new AggregateError([1], 'agg')];
  return {
    texts: errs.map(String), own: Object.getOwnPropertyNames(e).filter((k) => k !== 'stack').sort(), cause: e.cause, json: JSON.stringify(e), proto: Error.prototype.toString.call({ name: 'N', message: 'm' }), noCause: 'cause' in new Error('x'),
    inst: [errs[0] instanceof Error, errs[1] instanceof NotFound], ctor: TypeError.name, undef: new Error(undefined).message === '', num: new Error(5).message, stack: e.stack.split('\n').length > 0, callable: Error('no new') instanceof Error, trace: typeof Error.captureStackTrace,
  };
}
