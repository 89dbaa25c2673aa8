// toLocaleString of numbers in the default en-US form.
function main() {
  return [0, 1234.5, 1234567.891, -9876543.21, 1e6, 0.1234567, 999, 1000, 1e21, NaN, -0.0004, 12345678901234567890].map((n) => [String(n), n.toLocaleString()]);
}
