// Step 2 of `quotes`: the last quote of each company, and what became of it within a year.

const YEAR = 12; // quotes: there is one a month

function main(args) {
  if (!Array.isArray(args.symbols)) return { error: '`symbols` is missing or not an array' };
  const empty = args.symbols.findIndex((it) => !it?.quotes?.length);
  if (empty >= 0) return { error: `company ${empty + 1} of \`symbols\` has no quotes` };

  const last = args.symbols.map(lastOf);
  console.log(`last-quote: ${last.map(({ symbol, price }) => `${symbol} ${price}`).join(', ')}`);
  // All that the step was given goes on to the next one, and what it found with it.
  return { ...args, last };
}

function lastOf({ symbol, quotes }) {
  const { date, price } = quotes.at(-1);
  const yearAgo = quotes.at(-1 - YEAR);
  return {
    symbol,
    quotes: quotes.length,
    from: quotes[0].date,
    date,
    price,
    year_percent: yearAgo ? percent(price, yearAgo.price) : null,
  };
}

// How far `now` lies above `before`, in percent with two decimals. Prices are whole cents inside, so
// nothing depends on how binary fractions are rounded.
function percent(now, before) {
  const [after, cents] = [Math.round(now * 100), Math.round(before * 100)];
  const size = Math.floor((20000 * Math.abs(after - cents) + cents) / (2 * cents));
  return (after < cents ? -size : size) / 100;
}
