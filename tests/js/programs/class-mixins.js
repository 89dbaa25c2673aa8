// Mixins as functions from class to class, and Symbol.hasInstance.
const Serializable = (B) => class extends B { toText() { return JSON.stringify(this); } };
const Comparable = (B) => class extends B { compareTo(o) { return this.valueOf() - o.valueOf(); } };
class Base { constructor(v) { this.v = v; } valueOf() { return this.v; } }
class Version extends Serializable(Comparable(Base)) {}
class Even { static [Symbol.hasInstance](n) { return n % 2 === 0; } }
function main() {
  const [a, b] = [new Version(1), new Version(5)];
  return { text: a.toText(), cmp: a.compareTo(b), less: a < b, sum: a + b, even: [2 instanceof Even, 3 instanceof Even], chain: Object.getPrototypeOf(Version).name };
}
