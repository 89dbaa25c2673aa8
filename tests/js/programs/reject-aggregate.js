// Promise.any with only failures, as an AggregateError.
async function main() {
  try {
    await Promise.any([Promise.reject(new Error('one')), Promise.reject('two')]);
  } catch (e) {
    console.log(e.name, e instanceof AggregateError, e.errors.map(String));
    throw new AggregateError([new Error('a'), 'b'], 'everything failed');
  }
}
