// An ES module with a default export.
// args: {"x": 4}
const square = (x) => x ** 2;
export default function ({ x }) {
  return { square: square(x) };
}
