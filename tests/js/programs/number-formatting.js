// toFixed, toPrecision, toExponential, radix and the default form.
function main() {
  const n = [0, -0, 1e21, 1e-7, 123456789.123, 0.1 + 0.2, 5e-324, 1.7976931348623157e308, -1.5, 1e300];
  return {
    plain: n.map(String), fixed: [[1.005, 2], [1.45, 1], [8.345, 2], [-1.5, 0], [2.5, 0], [1e21, 2], [0.000001, 7], [-0.0001, 2]].map(([x, d]) => x.toFixed(d)),
    precision: [[123.456, 4], [0.00001, 1], [1e21, 3], [99.99, 3], [1234.5, 2]].map(([x, d]) => x.toPrecision(d)), exp: [12345, 0, -1.5e-9].map((x) => x.toExponential(2)), expAll: (123456).toExponential(),
    radix: [(255).toString(16), (0.5).toString(2), (-255).toString(36), (0.25).toString(4), (1e21).toString(7).length > 10, (2 ** 53).toString(36)],
  };
}
