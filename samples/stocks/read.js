// Step 1 of `quotes`: CSV text → the quotes of each company, in the order of time.
//
// An action is a function called `main`. It gets its arguments as one object, and the object that it
// returns is its result: here it becomes the arguments of step 2.

const COLUMNS = ['symbol', 'date', 'price'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const MOST = 1e9; // no price is higher

function main({ csv, source, window, held_out }) {
  // The member `error` makes the run an application error. Only the caller can do better.
  if (typeof csv !== 'string') return { error: '`csv` is missing or not a string' };
  const lines = csv.split(/\r?\n/);
  const columns = lines[0].split(',').map((name) => name.trim());
  const missing = COLUMNS.find((name) => !columns.includes(name));
  if (missing) return { error: `there is no column \`${missing}\`` };

  const { companies, broken, rows } = readRows(lines, columns);
  const symbols = [...companies].map(([symbol, prices]) => ({ symbol, quotes: inOrder(prices) }));
  const quotes = rows - broken.length;
  // What is logged is kept beside the result: `quirl activation logs`.
  console.log(`read-quotes: ${quotes} quotes of ${symbols.length} companies, ${broken.length} rows broken`);

  // A member that is `undefined` is left out: what the caller did not give is not handed on.
  return { source, window, held_out, reading: { rows, quotes, broken }, symbols };
}

// By symbol and date, the price; and the rows that cannot be read, each with the reason.
function readRows(lines, columns) {
  const companies = new Map();
  const broken = [];
  let rows = 0;
  for (let at = 1; at < lines.length; at += 1) {
    if (lines[at].trim() === '') continue;
    rows += 1;
    const row = readRow(lines[at], columns);
    const why = row.why ?? add(companies, row);
    if (why) broken.push({ line: at + 1, text: lines[at], why });
  }
  return { companies, broken, rows };
}

function readRow(line, columns) {
  const cells = line.split(',').map((cell) => cell.trim());
  if (cells.length !== columns.length) {
    return { why: `the number of cells is ${cells.length}, not ${columns.length}` };
  }
  const [symbol, day, cost] = COLUMNS.map((name) => cells[columns.indexOf(name)]);
  const date = readDate(day);
  const price = readPrice(cost);
  if (symbol === '') return { why: 'no symbol' };
  if (date === null) return { why: 'no such date' };
  if (price === null) return { why: 'no such price' };
  return { symbol, date, price };
}

// Why the quote cannot be added; null if it was.
function add(companies, { symbol, date, price }) {
  const prices = companies.get(symbol) ?? new Map();
  companies.set(symbol, prices);
  if (prices.has(date)) return 'the company has a quote of that date';
  prices.set(date, price);
  return null;
}

// `Mar 1 2010` as `2010-03-01`, which is ordered as texts are; null if there is no such day.
function readDate(words) {
  const match = /^([A-Z][a-z]{2}) (\d{1,2}) (\d{4})$/.exec(words);
  const month = match ? MONTHS.indexOf(match[1]) + 1 : 0;
  if (month === 0 || match[3] === '0000') return null;
  const date = `${match[3]}-${String(month).padStart(2, '0')}-${match[2].padStart(2, '0')}`;
  const time = Date.parse(`${date}T00:00:00Z`);
  // A date that does not exist is none, or becomes another one: February 31 is in March.
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(date) ? date : null;
}

// Digits with up to two decimals, above zero.
function readPrice(word) {
  const price = /^\d+(\.\d{1,2})?$/.test(word) ? Number(word) : 0;
  return price > 0 && price <= MOST ? price : null;
}

function inOrder(prices) {
  const quotes = [...prices].map(([date, price]) => ({ date, price }));
  return quotes.sort((a, b) => (a.date < b.date ? -1 : 1));
}
