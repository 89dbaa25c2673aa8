// How far forecasts were off: in the mean of what is lacking (MAE), and in percent of what came (MAPE).

const { toCents, fromCents, divided, sum } = require('./exact');

// Both, and of how many months; null of none.
function errorsOf(months) {
  const count = months.length;
  const mean = (numbers) => (count === 0 ? null : divided(sum(numbers), count) / 100);
  return { held_out: count, mae: mean(months.map(centsOff)), mape: mean(months.map(percentOff)) };
}

const centsOff = ({ error }) => Math.abs(toCents(error));

// In hundredths of a percent.
const percentOff = ({ error, price }) => divided(10000 * centsOff({ error }), toCents(price));

module.exports = { errorsOf };
