// Functions of every kind, with members too.
function main() {
  function named() {}
  console.log(named, () => {}, async () => {}, function* gen() {}, async function* agen() {}, async function later() {});
  console.log([named], { named, method() {}, get g() { return 1; }, set s(v) {}, get b() { return 1; }, set b(v) {} });
  console.log(Object.assign(() => {}, { extra: 1 }), Object.assign(named, { list: [1] }));
  console.log(Math.max, Array, Symbol, console.log.name, parseInt);
  console.log(named.bind(null), new Proxy(named, {}), Math, JSON, Reflect, globalThis.Atomics);
  console.log(Object.defineProperty(() => {}, 'name', { value: 'renamed' }), class K { static x = 1; });
}
