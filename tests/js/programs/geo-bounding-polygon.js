// Points in polygons, areas and bounding boxes.
const poly = [[0, 0], [6, 0], [6, 4], [3, 2], [0, 4]];
const inside = ([x, y], p) => p.reduce((c, [xi, yi], i) => { const [xj, yj] = p.at(i - 1); return (yi > y) !== (yj > y) && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi ? !c : c; }, false);
const area = (p) => Math.abs(p.reduce((s, [x, y], i) => { const [a, b] = p[(i + 1) % p.length]; return s + x * b - a * y; }, 0)) / 2;
function main() {
  const xs = poly.map(([x]) => x), ys = poly.map(([, y]) => y);
  return { inside: [[1, 1], [3, 3], [5, 3], [7, 1]].map((p) => inside(p, poly)), area: area(poly), box: [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)], perimeter: poly.reduce((s, p, i) => s + Math.hypot(p[0] - poly.at(i - 1)[0], p[1] - poly.at(i - 1)[1]), 0).toFixed(6) };
}
