// Errors without a stack, in lists, in objects, and aggregates.
function bare(e) { e.stack = `${e.name}: ${e.message}`; return e; }
function main() {
  console.log(bare(new Error('bare')));
  console.log([bare(new RangeError('in a list'))], { e: bare(new Error('in an object')) });
  console.log(bare(Object.assign(new Error('with code'), { code: 7 })));
  console.log({ deep: { deeper: { e: bare(new Error('deep')) } } });
  const noStack = new Error('no stack');
  delete noStack.stack;
  noStack.stack = undefined;
  console.log(noStack);
  const agg = bare(new AggregateError([bare(new Error('one')), 'two'], 'several'));
  console.log(agg);
  console.log({ ...new Error('spread') }, Object.keys(new Error('k')));
}
