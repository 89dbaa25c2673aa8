// Only own enumerable members of an instance come into the result.
class Point {
  #secret = 7;
  constructor(x, y) { this.x = x; this.y = y; }
  get length() { return Math.hypot(this.x, this.y); }
  scale(k) { return new Point(this.x * k, this.y * k); }
}
function main() {
  return new Point(3, 4).scale(2);
}
