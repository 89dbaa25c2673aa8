// A proxy is read through its traps when it is made into JSON.
function main() {
  const seen = [];
  const target = { a: 1, b: 2 };
  return new Proxy(target, {
    get(t, key, r) {
      if (key === 'seen') return seen;
      if (typeof key === 'string' && key.length === 1) seen.push(key);
      return key === 'b' ? 'trapped' : Reflect.get(t, key, r);
    },
    ownKeys() { return ['a', 'b', 'seen']; },
    getOwnPropertyDescriptor() { return { enumerable: true, configurable: true }; },
  });
}
