// Step 4 of `weather`: which months were unlike themselves, and what was most of all.
//
// The arguments are what step 3 (`aggregate`, a WebAssembly module) returned: `months`, and in
// `climatology` what each month of the year is usually like. A month's z is (its figure − what is
// usual) / the deviation, all three as they are printed. So figures are whole hundredths inside.

const COMPARED = ['temp_max', 'precipitation'];
const FIGURES = [...COMPARED, 'temp_min', 'wind_max'];
const THRESHOLD = 1.3;
const THRESHOLD_MOST = 100;
const MOST = 1e9; // no figure is larger

function main(args) {
  const wrong = whatIsWrong(args);
  // The member `error` makes the run an application error. Only the caller can do better.
  if (wrong) return { error: wrong };

  const { source, climatology, cleaning, days = 0 } = args;
  const threshold = hundredths(args.threshold ?? THRESHOLD);
  const months = args.months.map(readMonth);
  const anomalies = findAnomalies(months, readUsual(climatology), threshold);
  console.log(`anomalies: ${anomalies.length} in ${months.length} months`);

  const summary = {
    days,
    ...summaryOf(months),
    threshold: threshold / 100,
    anomalies: anomalies.length,
  };
  return { source, months: args.months, climatology, anomalies, cleaning, summary };
}

// --- arguments ---

// What is wrong with the arguments, in words; null if nothing is.
function whatIsWrong({ months, climatology, threshold, days }) {
  if (!Array.isArray(months)) return '`months` is missing or not an array';
  if (!Array.isArray(climatology)) return '`climatology` is missing or not an array';
  if (threshold !== undefined && !isNumber(threshold, 0, THRESHOLD_MOST)) {
    return `\`threshold\` is not a number from 0 to ${THRESHOLD_MOST}`;
  }
  if (days !== undefined && !isNumber(days, 0, MOST)) return '`days` is not a number';
  for (const [at, month] of months.entries()) {
    const wrong = wrongMonth(month, months[at - 1]) ?? wrongFigure(month, FIGURES);
    if (wrong) return `month ${at + 1} of \`months\` ${wrong}`;
  }
  for (const usual of climatology) {
    if (!Number.isInteger(usual?.month) || !isNumber(usual.month, 1, 12)) {
      return 'a `month` of `climatology` is not from 1 to 12';
    }
    const wrong = wrongFigure(usual, [...COMPARED, ...COMPARED.map(deviationOf)]);
    if (wrong) return `month ${usual.month} of \`climatology\` ${wrong}`;
  }
  return null;
}

function wrongMonth(month, before) {
  const isName = typeof month?.month === 'string' && /^\d{4}-(0[1-9]|1[0-2])$/.test(month.month);
  const weather = month?.weather ?? {};
  const areCounts = typeof weather === 'object' && Object.values(weather).every(Number.isInteger);
  if (!isName || !areCounts) return 'has no `month` or no good `weather`';
  // Such names are ordered as texts are.
  return before && month.month <= before.month ? 'is not later than the one before' : null;
}

function wrongFigure(object, names) {
  const isGood = (value) => value === undefined || value === null || isNumber(value, -MOST, MOST);
  const bad = names.find((name) => !isGood(object[name]));
  return bad ? `has a \`${bad}\` that is not a number or too large` : null;
}

const isNumber = (value, least, most) => typeof value === 'number' && value >= least && value <= most;

// --- figures ---

// 1.305 as 131. Fifteen digits drop what a binary fraction adds: 1.305 * 100 is 130.49999999999997.
function hundredths(value) {
  const size = Math.round(Number(Math.abs(value * 100).toPrecision(15)));
  return value < 0 ? -size : size;
}

// The nearest whole number, halves away from zero.
function divided(numerator, denominator) {
  const size = Math.floor((2 * Math.abs(numerator) + denominator) / (2 * denominator));
  return numerator < 0 ? -size : size;
}

const deviationOf = (name) => `${name}_sd`;

// A figure as hundredths; null where there is none.
const figure = (object, name) => (typeof object[name] === 'number' ? hundredths(object[name]) : null);

function readMonth(month) {
  const figures = Object.fromEntries(FIGURES.map((name) => [name, figure(month, name)]));
  return { name: month.month, weather: month.weather ?? {}, ...figures };
}

// By the number of the month: what is usual, where it says something. A figure that was always the
// same has no deviation, and nothing is unlike it.
function readUsual(climatology) {
  return new Map(climatology.map((usual) => {
    const figures = COMPARED.map((name) => {
      const [mean, sd] = [figure(usual, name), figure(usual, deviationOf(name))];
      return [name, mean !== null && sd > 0 ? { mean, sd } : null];
    });
    return [usual.month, Object.fromEntries(figures)];
  }));
}

// --- anomalies ---

// Largest first; the order of equals is that of time.
function findAnomalies(months, usual, threshold) {
  const found = [];
  for (const month of months) {
    const ofYear = usual.get(Number(month.name.slice(5)));
    for (const what of COMPARED) {
      const usually = ofYear?.[what];
      if (!usually || month[what] === null) continue;
      const z = divided(100 * (month[what] - usually.mean), usually.sd);
      if (Math.abs(z) >= threshold) found.push({ month: month.name, what, value: month[what], ...usually, z });
    }
  }
  found.sort((a, b) => Math.abs(b.z) - Math.abs(a.z));
  return found.map(({ month, what, value, mean, sd, z }) => ({
    month, what, value: value / 100, mean: mean / 100, sd: sd / 100, z: z / 100,
  }));
}

// --- summary ---

function summaryOf(months) {
  const rain = months.reduce((sum, month) => sum + (month.precipitation ?? 0), 0);
  return {
    from: months[0]?.name ?? null,
    to: months[months.length - 1]?.name ?? null,
    precipitation: rain / 100,
    weather: allWeather(months),
    wettest: most(months, 'precipitation', (a, b) => a > b),
    driest: most(months, 'precipitation', (a, b) => a < b),
    hottest: most(months, 'temp_max', (a, b) => a > b),
    coldest: most(months, 'temp_min', (a, b) => a < b),
    windiest: most(months, 'wind_max', (a, b) => a > b),
  };
}

// The month that beats all others, the earliest of equals; null without any figure.
function most(months, name, beats) {
  let best = null;
  for (const month of months) {
    if (month[name] !== null && (best === null || beats(month[name], best[name]))) best = month;
  }
  return best && { month: best.name, [name]: best[name] / 100 };
}

// All days of each kind of weather, by name.
function allWeather(months) {
  const days = new Map();
  for (const { weather } of months) {
    for (const [name, count] of Object.entries(weather)) days.set(name, (days.get(name) ?? 0) + count);
  }
  return Object.fromEntries([...days].sort(([a], [b]) => (a < b ? -1 : 1)));
}
