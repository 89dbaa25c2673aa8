// Getters, setters, static blocks, computed names and field order.
const log = [];
const key = 'dyn';
class Config {
  first = log.push('first');
  static order = log.push('static');
  static { log.push('block'); }
  [`${key}Name`] = log.push('computed');
  #v = 1;
  get value() { return this.#v; }
  set value(v) { this.#v = Number(v) || 0; }
  ['get' + key]() { return this.#v * 2; }
  static async *stream() { yield 1; yield 2; }
}
async function main() {
  const c = new Config();
  c.value = '21';
  const got = [];
  for await (const v of Config.stream()) got.push(v);
  return { log, value: c.value, dyn: c.getdyn(), got, own: Object.getOwnPropertyNames(Config.prototype), fields: Object.keys(c) };
}
