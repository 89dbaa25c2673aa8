// Money as whole cents and percents as whole hundredths: sums are exact, and each figure is rounded
// once. 0.1 + 0.2 is not 0.3 in binary; 10 + 20 is 30.

const toCents = (price) => Math.round(price * 100);
const fromCents = (cents) => cents / 100;

// The nearest whole number, halves away from zero.
function divided(numerator, denominator) {
  const size = Math.floor((2 * Math.abs(numerator) + denominator) / (2 * denominator));
  return numerator < 0 ? -size : size;
}

const sum = (numbers) => numbers.reduce((total, it) => total + it, 0);

module.exports = { toCents, fromCents, divided, sum };
