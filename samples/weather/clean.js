// Step 2 of `weather`: rows of words → typed rows, one a day and in order, and what was found.
//
// An action is a function called `main`. It gets its arguments as one object, and the object that it
// returns is its result. Here the arguments are what step 1 (`parse`, a WebAssembly module) returned,
// and the result becomes the arguments of step 3: a step cannot see in what another one is written.
//
// Every change is told. Figures are whole tenths inside, so nothing depends on how binary fractions
// are rounded.

const MEASURES = ['precipitation', 'temp_max', 'temp_min', 'wind'];
const COLUMNS = ['date', ...MEASURES, 'weather'];
const NEVER_BELOW_ZERO = new Set(['precipitation', 'wind']);

const MOST = 100000; // tenths: far beyond any weather
// What a day can be, in tenths of °C: between these, and no further apart.
const COLDEST = -600;
const HOTTEST = 500;
const APART = 250;

function main(args) {
  const wrong = whatIsWrong(args);
  // The member `error` makes the run an application error. Only the caller can do better.
  if (wrong) return { error: wrong };

  const { rows, undated } = readRows(args);
  const order = inOrder(rows);
  const days = order.days;
  convertDegrees(days);
  MEASURES.forEach((measure) => interpolate(days, measure));

  const findings = [
    ...broken(args.broken ?? [], undated),
    ...order.repeated,
    ...order.late,
    ...days.flatMap(tellCells),
    ...tellDegrees(days),
  ];
  const cleaning = { ...count(findings, days), findings };
  // What is logged is kept beside the result: `quirl activation logs`.
  const mended = cleaning.blank_cells + cleaning.not_numbers + cleaning.fahrenheit_cells;
  console.log(`clean: ${cleaning.rows_in} rows came, ${days.length} stay; ${mended} cells mended`);

  // A member that is `undefined` is left out: what the caller did not give is not handed on.
  const { source, threshold } = args;
  return { source, threshold, columns: COLUMNS, rows: days.map(typed), cleaning };
}

// --- arguments ---

// What is wrong with the arguments, in words; null if nothing is.
function whatIsWrong({ columns, rows, lines, broken }) {
  if (!Array.isArray(columns)) return '`columns` is missing or not an array';
  if (!Array.isArray(rows)) return '`rows` is missing or not an array';
  const missing = COLUMNS.find((name) => !columns.includes(name));
  if (missing) return `there is no column \`${missing}\``;

  const isWord = (cell) => cell === null || typeof cell === 'string';
  const isRow = (row) => Array.isArray(row) && row.length === columns.length && row.every(isWord);
  const bad = rows.findIndex((row) => !isRow(row));
  if (bad >= 0) return `row ${bad + 1} of \`rows\` is not one string or null for each column`;

  const isLine = (line) => Number.isInteger(line) && line >= 0;
  const areLines = (it) => Array.isArray(it) && it.length === rows.length && it.every(isLine);
  if (lines !== undefined && !areLines(lines)) return '`lines` is not one number for each row';
  if (broken !== undefined && !Array.isArray(broken)) return '`broken` is not an array';
  return null;
}

// Rows with a date, and those whose date is none.
function readRows({ columns, rows, lines }) {
  const place = Object.fromEntries(COLUMNS.map((name) => [name, columns.indexOf(name)]));
  const read = rows.map((cells, at) => {
    const word = (name) => cells[place[name]] ?? '';
    const line = lines ? lines[at] : at + 2; // without `lines`: the head was line 1
    return readRow(cells, word, line);
  });
  return {
    rows: read.filter((row) => row.date !== null),
    undated: read.filter((row) => row.date === null),
  };
}

function readRow(cells, word, line) {
  const row = { line, cells, word, date: dateOf(word('date')), value: {}, lacks: {}, inFahrenheit: {} };
  for (const measure of MEASURES) {
    row.value[measure] = tenths(word(measure), NEVER_BELOW_ZERO.has(measure));
    if (row.value[measure] === null) {
      row.lacks[measure] = word(measure) === '' ? 'blank' : 'not-a-number';
    }
  }
  if (word('weather') === '') row.lacks.weather = 'blank';
  return row;
}

// `2012/01/31` or `2012-01-31` as the latter; null if there is no such day.
function dateOf(word) {
  const match = /^(\d{4})([/-])(\d{2})\2(\d{2})$/.exec(word);
  if (!match || match[1] === '0000') return null;
  const date = `${match[1]}-${match[3]}-${match[4]}`;
  const time = Date.parse(`${date}T00:00:00Z`);
  // A date that does not exist is none, or becomes another one: February 31 is in March.
  return !Number.isNaN(time) && isoDate(time) === date ? date : null;
}

const isoDate = (time) => new Date(time).toISOString().slice(0, 10);

// How many days there are from one date to another.
const daysBetween = (from, to) => Math.round((Date.parse(to) - Date.parse(from)) / 86400000);

// `12.84` as 128, halves away from zero; null if the word is no number or none that can be.
function tenths(word, neverBelowZero) {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(word);
  if (!match) return null;
  const [, minus, whole, fraction = ''] = match;
  const roundedUp = (fraction[1] ?? '0') >= '5' ? 1 : 0;
  const size = Number(whole + (fraction[0] ?? '0')) + roundedUp;
  const isNegative = minus === '-' && size > 0;
  if (size > MOST || (neverBelowZero && isNegative)) return null;
  return isNegative ? -size : size;
}

// --- order ---

// The first row of each day, in the order of time; what is told of rows that repeat a day, and of
// those that stood behind a later one.
function inOrder(rows) {
  const first = new Map();
  const repeated = [];
  const late = [];
  let latest = '';
  for (const row of rows) {
    const { line, date } = row;
    const before = first.get(date);
    if (before) {
      const same = row.cells.every((cell, at) => cell === before.cells[at]);
      repeated.push({ kind: 'repeated', line, date, same, did: 'dropped, the first one stays' });
      continue;
    }
    first.set(date, row);
    // Such dates are ordered as texts are.
    if (date < latest) late.push({ kind: 'out-of-order', line, date, did: 'moved to its place' });
    else latest = date;
  }
  const days = [...first.values()].sort((a, b) => (a.date < b.date ? -1 : 1));
  return { days, repeated, late };
}

// Calls `visit(day, before, after)` for each day that is not known, with the nearest days around it
// that are; null where there is none.
function visitUnknown(days, isKnown, visit) {
  let before = null;
  let waiting = [];
  const meet = (after) => {
    waiting.forEach((day) => visit(day, before, after));
    waiting = [];
    before = after;
  };
  for (const day of days) {
    if (isKnown(day)) meet(day);
    else waiting.push(day);
  }
  meet(null);
}

// --- degrees ---

// The ways to read a day's temperatures, from the likeliest on: [maximum in °F, minimum in °F].
const READINGS = [[false, false], [true, false], [false, true], [true, true]];

const celsius = (fahrenheit) => divided((fahrenheit - 320) * 5, 9);

function isCredible(high, low) {
  return low >= COLDEST && high <= HOTTEST && high >= low && high - low <= APART;
}

function convertDegrees(days) {
  days.forEach(judgePair);
  judgeSingle(days, 'temp_max', 'temp_min');
  judgeSingle(days, 'temp_min', 'temp_max');
  for (const { value, inFahrenheit } of days) {
    for (const measure of ['temp_max', 'temp_min']) {
      if (inFahrenheit[measure]) value[measure] = celsius(value[measure]);
    }
  }
}

// A day with both temperatures is judged by itself: of the four readings, the first that a day can
// be. A maximum in °F is some 30 too far above a minimum in °C, even in winter.
function judgePair(day) {
  const { temp_max: high, temp_min: low } = day.value;
  if (high === null || low === null) return;
  const reading = READINGS.find(([highIs, lowIs]) =>
    isCredible(highIs ? celsius(high) : high, lowIs ? celsius(low) : low),
  );
  day.isJudged = reading !== undefined;
  day.isImplausible = reading === undefined;
  [day.inFahrenheit.temp_max, day.inFahrenheit.temp_min] = reading ?? [false, false];
}

// A day with only one of them is judged by the nearest judged days: °F if they are, on both sides.
function judgeSingle(days, measure, other) {
  visitUnknown(days, (day) => day.isJudged, (day, before, after) => {
    if (day.value[measure] === null || day.value[other] !== null) return;
    const around = [before, after].filter((it) => it !== null);
    day.inFahrenheit[measure] = around.length > 0 && around.every((it) => it.inFahrenheit[measure]);
  });
}

// --- blanks ---

// Fills a column between its neighbours in time; at an end with the only one there is. A column
// without any value stays as it is.
function interpolate(days, measure) {
  visitUnknown(days, (day) => !day.lacks[measure], (day, before, after) => {
    if (before && after) {
      const span = daysBetween(before.date, after.date);
      const rise = (after.value[measure] - before.value[measure]) * daysBetween(before.date, day.date);
      day.value[measure] = divided(before.value[measure] * span + rise, span);
    } else {
      day.value[measure] = (before ?? after)?.value[measure] ?? null;
    }
  });
}

// The nearest whole number, halves away from zero.
function divided(numerator, denominator) {
  const size = Math.floor((2 * Math.abs(numerator) + denominator) / (2 * denominator));
  return numerator < 0 ? -size : size;
}

// --- telling ---

// What a row is in the result: columns in the order of `COLUMNS`.
function typed(day) {
  return [day.date, ...MEASURES.map((measure) => shown(day, measure)), shown(day, 'weather')];
}

function shown(day, column) {
  if (column === 'weather') return day.word('weather') || 'unknown';
  const value = day.value[column];
  return value === null ? null : value / 10;
}

function broken(lines, undated) {
  const told = lines.map((it) => ({ line: it?.line, text: it?.text, why: it?.why }));
  const dateless = undated.map(({ line, word }) => ({ line, text: word('date'), why: 'no such date' }));
  return [...told, ...dateless].map((it) => ({ kind: 'broken', ...it, did: 'dropped' }));
}

// The cells of a day that had no value of their own.
function tellCells(day) {
  const lacking = [...MEASURES, 'weather'].filter((column) => day.lacks[column]);
  return lacking.map((column) => {
    const kind = day.lacks[column];
    const found = kind === 'blank' ? undefined : day.word(column);
    const now = shown(day, column);
    const filled = now === null ? 'left blank: nothing to go by' : 'interpolated';
    const did = column === 'weather' ? 'named unknown' : filled;
    return { kind, line: day.line, date: day.date, column, found, now, did };
  });
}

function tellDegrees(days) {
  const implausible = days.filter((day) => day.isImplausible).map((day) => ({
    kind: 'implausible',
    line: day.line,
    date: day.date,
    temp_max: shown(day, 'temp_max'),
    temp_min: shown(day, 'temp_min'),
    did: 'kept',
  }));
  return [...fahrenheitRuns(days, 'temp_max'), ...fahrenheitRuns(days, 'temp_min'), ...implausible];
}

// One finding for each run of days in °F; blanks inside do not end it.
function fahrenheitRuns(days, column) {
  const runs = [];
  let run = null;
  for (const day of days) {
    if (day.inFahrenheit[column]) {
      if (!run) {
        run = { kind: 'fahrenheit', column, from: day.date, to: '', cells: 0, did: 'converted to °C' };
        runs.push(run);
      }
      run.to = day.date;
      run.cells += 1;
    } else if (!day.lacks[column]) {
      run = null;
    }
  }
  return runs;
}

function count(findings, days) {
  const of = (kind) => findings.filter((it) => it.kind === kind);
  const [first, last] = [days[0], days[days.length - 1]];
  return {
    rows_in: days.length + of('broken').length + of('repeated').length,
    rows_out: days.length,
    broken_rows: of('broken').length,
    repeated_rows: of('repeated').length,
    out_of_order_rows: of('out-of-order').length,
    blank_cells: of('blank').length,
    not_numbers: of('not-a-number').length,
    fahrenheit_cells: of('fahrenheit').reduce((sum, run) => sum + run.cells, 0),
    implausible_days: of('implausible').length,
    missing_days: first ? daysBetween(first.date, last.date) + 1 - days.length : 0,
  };
}
