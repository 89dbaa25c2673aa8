// Forecasts by a moving average: the next quote is as the last few were in the mean.

const { toCents, fromCents, divided, sum } = require('./exact');

// What comes behind these quotes; null if they are too few.
function forecastOf(quotes, window) {
  if (quotes.length < window) return null;
  const cents = quotes.slice(-window).map(({ price }) => toCents(price));
  return fromCents(divided(sum(cents), window));
}

// Each of the last `heldOut` quotes beside what would have been forecast the month before: from
// earlier quotes only. Quotes without enough others before them are left out.
function backtest(quotes, window, heldOut) {
  const first = Math.max(window, quotes.length - heldOut);
  return quotes.slice(first).map(({ date, price }, at) => {
    const forecast = forecastOf(quotes.slice(0, first + at), window);
    return { date, price, forecast, error: fromCents(toCents(price) - toCents(forecast)) };
  });
}

module.exports = { forecastOf, backtest };
