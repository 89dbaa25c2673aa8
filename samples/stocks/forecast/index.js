// Step 3 of `quotes`: what each company's next quote may be, and how far such forecasts were off.
//
// An action of several files is a zip of this folder: `main` of package.json names the file that is
// loaded, which has to export a function `main`; the others are required from there.

const { forecastOf, backtest } = require('./lib/average');
const { errorsOf } = require('./lib/errors');

const WINDOW = 3; // quotes that an average is taken of
const HELD_OUT = 12; // quotes at the end that are forecast as if they were not known
const MOST = 120;

function main(args) {
  const { source, window = WINDOW, held_out = HELD_OUT, reading, symbols, last } = args;
  const wrong = whatIsWrong(symbols, { window, held_out });
  // The member `error` makes the run an application error. Only the caller can do better.
  if (wrong) return { error: wrong };

  const forecasts = symbols.map(({ symbol, quotes }) => {
    const months = backtest(quotes, window, held_out);
    return { symbol, next: forecastOf(quotes, window), ...errorsOf(months), months };
  });
  const summary = { companies: symbols.length, ...errorsOf(forecasts.flatMap((it) => it.months)) };
  console.log(`forecast: ${summary.held_out} quotes were off by ${summary.mape} % on average`);
  return { source, window, held_out, reading, last, forecasts, summary };
}

function whatIsWrong(symbols, counts) {
  const isQuote = (it) => typeof it?.date === 'string' && it.price > 0;
  const isCompany = (it) => Array.isArray(it?.quotes) && it.quotes.every(isQuote);
  const isCount = (it) => Number.isInteger(it) && it > 0 && it <= MOST;
  if (!Array.isArray(symbols)) return '`symbols` is missing or not an array';
  const bad = symbols.findIndex((it) => !isCompany(it));
  if (bad >= 0) return `company ${bad + 1} of \`symbols\` has no good \`quotes\``;
  const [name] = Object.entries(counts).find(([, it]) => !isCount(it)) ?? [];
  return name ? `\`${name}\` is not a whole number from 1 to ${MOST}` : null;
}

module.exports = { main };
