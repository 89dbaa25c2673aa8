// extends, super, overridden methods, instanceof and new.target.
class Shape {
  constructor(name) { this.name = name; this.made = new.target.name; }
  area() { return 0; }
  describe() { return `${this.name} with area ${this.area().toFixed(2)}`; }
  static create(...args) { return new this(...args); }
}
class Circle extends Shape {
  constructor(r) { super('circle'); this.r = r; }
  area() { return Math.PI * this.r ** 2; }
}
class Square extends Shape {
  constructor(a) { super('square'); this.a = a; }
  area() { return this.a ** 2; }
  describe() { return `${super.describe()}!`; }
  get [Symbol.toStringTag]() { return 'Sq'; }
}
function main() {
  const shapes = [Circle.create(1), Square.create(3), new Shape('nothing')];
  shapes.forEach((s) => console.log(s));
  return { texts: shapes.map((s) => s.describe()), made: shapes.map((s) => s.made), tag: String(shapes[1]), isShape: shapes.every((s) => s instanceof Shape) };
}
