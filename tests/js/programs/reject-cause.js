// A cause is not enumerable and does not come along; own members do.
async function main() {
  try {
    await Promise.reject(new RangeError('too far'));
  } catch (e) {
    const outer = new Error('measurement failed', { cause: e });
    outer.sensor = 'north';
    throw outer;
  }
}
