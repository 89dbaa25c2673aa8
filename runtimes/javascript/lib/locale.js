// toLocaleString of numbers, BigInts and dates, in the form of en-US and in UTC.
//
// What is formatted otherwise (other languages, time zones, styles) is unavailable and says so.
'use strict';

/** The first locale asked for, as a string; undefined for the default one. */
function firstLocale(locales) {
  const [first] = Array.isArray(locales) ? locales : [locales];
  return first === undefined ? undefined : `${first}`;
}

function requireEnglish(locales, method, pattern = /^en(-US)?(-u-.*)?$/i) {
  const locale = firstLocale(locales);
  if (locale !== undefined && !pattern.test(locale)) throw host.unavailable(`${method}('${locale}')`);
}

function requireKnown(options, known, method) {
  for (const name of Object.keys(options)) {
    if (!known.includes(name) && options[name] !== undefined) {
      throw host.unavailable(`${method} with the option ${name}`);
    }
  }
}

/** One of the values that `method` has, the first of them being the default. */
function pick(options, name, values, method) {
  const value = options[name];
  if (value === undefined) return values[0];
  if (values.includes(value)) return value;
  throw host.unavailable(`${method} with ${name}: '${value}'`);
}

// Numbers.

function digitOption(options, name, min, max, fallback) {
  const value = options[name];
  if (value === undefined) return fallback;
  const number = Math.floor(Number(value));
  if (!(number >= min && number <= max)) throw new RangeError(`${name} value is out of range.`);
  return number;
}

/** The decimal digits of a finite number: [whole digits, fraction digits]. */
function digitsOf(value, shift) {
  const [mantissa, exponent = '0'] = String(value).replace(/^-/, '').split('e');
  const [whole, fraction = ''] = mantissa.split('.');
  const digits = whole + fraction;
  const point = whole.length + Number(exponent) + shift;
  if (point <= 0) return ['0', '0'.repeat(-point) + digits];
  return [digits.slice(0, point).padEnd(point, '0'), digits.slice(point)];
}

/** Rounds half away from zero after `most` digits of the fraction. */
function roundDigits([whole, fraction], most) {
  if (fraction.length <= most) return [whole, fraction];
  const kept = BigInt(whole + fraction.slice(0, most)) + (fraction[most] >= '5' ? 1n : 0n);
  const digits = String(kept).padStart(most + 1, '0');
  return [digits.slice(0, digits.length - most), digits.slice(digits.length - most)];
}

function fractionDigits(options, least, most) {
  const min = digitOption(options, 'minimumFractionDigits', 0, 100, undefined);
  const max = digitOption(options, 'maximumFractionDigits', 0, 100, undefined);
  if (min !== undefined && max !== undefined && min > max) {
    throw new RangeError('maximumFractionDigits value is out of range.');
  }
  const low = min ?? Math.min(least, max ?? least);
  return [low, max ?? Math.max(most, low)];
}

function significantDigits(value, options) {
  const min = digitOption(options, 'minimumSignificantDigits', 1, 21, 1);
  const max = digitOption(options, 'maximumSignificantDigits', min, 21, 21);
  const [whole, fraction] = digitsOf(value, 0);
  if (/^0*$/.test(whole + fraction)) return ['0', '0'.repeat(min - 1)];
  const digits = (whole + fraction).replace(/^0+/, '');
  const size = whole.replace(/^0+/, '').length - (whole === '0' ? /^0*/.exec(fraction)[0].length : 0);
  const places = max - size;
  const rounded = places >= 0 ? roundDigits([whole, fraction], places)
    : [`${roundDigits([digits.slice(0, max), digits.slice(max)], 0)[0]}${'0'.repeat(-places)}`, ''];
  const wanted = Math.max(min - size, 0);
  return [rounded[0], rounded[1].replace(/0+$/, '').padEnd(wanted, '0')];
}

const currencySigns = { __proto__: null, USD: '$', EUR: '€', GBP: '£', JPY: '¥', INR: '₹', CNY: 'CN¥', KRW: '₩' };
const currencyDecimals = { __proto__: null, JPY: 0, KRW: 0 };
const numberOptions = ['style', 'currency', 'currencyDisplay', 'useGrouping', 'minimumIntegerDigits',
  'minimumFractionDigits', 'maximumFractionDigits', 'minimumSignificantDigits',
  'maximumSignificantDigits', 'notation', 'signDisplay'];

const group = (digits) => digits.replace(/\B(?=(\d{3})+$)/g, ',');

/** Sign, currency and percent around the digits. */
function decorate(text, negative, style, currency) {
  const minus = negative ? '-' : '';
  if (style === 'percent') return `${minus}${text}%`;
  return style === 'currency' ? `${minus}${currencySigns[currency]}${text}` : minus + text;
}

function currencyOf(options, method) {
  const { currency } = options;
  if (currency === undefined) throw new TypeError('Currency code is required with currency style.');
  const code = `${currency}`.toUpperCase();
  if (!/^[A-Z]{3}$/.test(code)) throw new RangeError(`Invalid currency code : ${currency}`);
  if (!(code in currencySigns)) throw host.unavailable(`${method} with currency: '${currency}'`);
  return code;
}

function formatNumber(value, locales, given, method) {
  const options = given === undefined ? {} : Object(given);
  requireKnown(options, numberOptions, method);
  const style = pick(options, 'style', ['decimal', 'percent', 'currency'], method);
  requireEnglish(locales, method, style === 'currency' ? undefined : /^en(-(US|GB|CA|AU|NZ|IE))?$/i);
  pick(options, 'currencyDisplay', ['symbol'], method);
  pick(options, 'notation', ['standard'], method);
  pick(options, 'signDisplay', ['auto'], method);
  const currency = style === 'currency' ? currencyOf(options, method) : undefined;
  const negative = value < 0 || Object.is(value, -0);
  if (Number.isNaN(value)) return decorate('NaN', false, style, currency);
  if (value === Infinity || value === -Infinity) return decorate('∞', negative, style, currency);
  const decimals = style === 'currency' ? currencyDecimals[currency] ?? 2 : 0;
  const [min, max] = fractionDigits(options, decimals, style === 'decimal' ? 3 : decimals);
  const isSignificant = options.minimumSignificantDigits !== undefined
    || options.maximumSignificantDigits !== undefined;
  const shift = style === 'percent' ? 2 : 0;
  const [whole, fraction] = isSignificant ? significantDigits(value, options)
    : roundDigits(digitsOf(value, shift), max);
  const integer = (whole.replace(/^0+(?=\d)/, '') || '0')
    .padStart(digitOption(options, 'minimumIntegerDigits', 1, 21, 1), '0');
  const shown = isSignificant ? fraction : fraction.replace(/0+$/, '').padEnd(min, '0');
  const grouped = options.useGrouping === false || options.useGrouping === 'false'
    ? integer : group(integer);
  return decorate(shown === '' ? grouped : `${grouped}.${shown}`, negative, style, currency);
}

// Dates.

const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const months = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August',
  'September', 'October', 'November', 'December'];
const two = (number) => String(number).padStart(2, '0');
const numeric = (number, width) => (width === '2-digit' ? two(number % 100) : String(number));
const worded = (name, width) => ({ long: name, short: name.slice(0, 3), narrow: name[0] })[width];

const dateFields = ['weekday', 'year', 'month', 'day'];
const timeFields = ['hour', 'minute', 'second'];
const fieldValues = {
  weekday: [undefined, 'long', 'short', 'narrow'],
  year: [undefined, 'numeric', '2-digit'],
  month: [undefined, 'numeric', '2-digit', 'long', 'short', 'narrow'],
  day: [undefined, 'numeric', '2-digit'],
  hour: [undefined, 'numeric', '2-digit'],
  minute: [undefined, 'numeric', '2-digit'],
  second: [undefined, 'numeric', '2-digit'],
};

function formatWordedDate(date, { weekday, year, month, day }) {
  const dayOfMonth = day && numeric(date.getUTCDate(), day);
  const monthAndDay = [worded(months[date.getUTCMonth()], month), dayOfMonth].filter(Boolean).join(' ');
  const fullYear = year && numeric(date.getUTCFullYear(), year);
  const withYear = fullYear === undefined ? monthAndDay
    : `${monthAndDay}${day ? ', ' : ' '}${fullYear}`;
  if (!weekday) return withYear;
  if (!day && !year) return `${monthAndDay} ${worded(weekdays[date.getUTCDay()], weekday)}`;
  return `${worded(weekdays[date.getUTCDay()], weekday)}, ${withYear}`;
}

function formatDate(date, fields) {
  const { weekday, year, month, day } = fields;
  if (/^(long|short|narrow)$/.test(month)) return formatWordedDate(date, fields);
  const name = weekday && worded(weekdays[date.getUTCDay()], weekday);
  if (weekday && day && !month && !year) return `${numeric(date.getUTCDate(), day)} ${name}`;
  const parts = [
    month && numeric(date.getUTCMonth() + 1, month),
    day && numeric(date.getUTCDate(), day),
    year && numeric(date.getUTCFullYear(), year),
  ].filter(Boolean).join('/');
  return [name, parts].filter(Boolean).join(', ');
}

function formatTime(date, { hour, minute, second }, cycle) {
  if (!hour) {
    if (minute && second) return `${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
    return minute ? String(date.getUTCMinutes()) : String(date.getUTCSeconds());
  }
  const hours = date.getUTCHours();
  const shown = { h23: hours, h24: hours || 24, h12: hours % 12 || 12, h11: hours % 12 }[cycle];
  const isTwelve = cycle === 'h12' || cycle === 'h11';
  const parts = [isTwelve ? numeric(shown, hour) : two(shown)];
  if (minute || second) parts.push(two(date.getUTCMinutes()));
  if (second) parts.push(two(date.getUTCSeconds()));
  return parts.join(':') + (isTwelve ? ` ${hours < 12 ? 'AM' : 'PM'}` : '');
}

const dateStyles = {
  full: { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' },
  long: { year: 'numeric', month: 'long', day: 'numeric' },
  medium: { year: 'numeric', month: 'short', day: 'numeric' },
  short: { year: '2-digit', month: 'numeric', day: 'numeric' },
};
const timeStyles = {
  full: { hour: 'numeric', minute: '2-digit', second: '2-digit', zone: 'long' },
  long: { hour: 'numeric', minute: '2-digit', second: '2-digit', zone: 'short' },
  medium: { hour: 'numeric', minute: '2-digit', second: '2-digit' },
  short: { hour: 'numeric', minute: '2-digit' },
};
const knownDateOptions = [...dateFields, ...timeFields, 'hour12', 'hourCycle', 'timeZone',
  'timeZoneName', 'dateStyle', 'timeStyle'];

function fieldsOf(options, kind, method) {
  const { dateStyle, timeStyle } = options;
  if (dateStyle !== undefined || timeStyle !== undefined) {
    const wrong = kind === 'date' ? 'timeStyle' : kind === 'time' ? 'dateStyle' : undefined;
    if (wrong !== undefined && options[wrong] !== undefined) {
      throw new TypeError(`Invalid option : ${wrong}`);
    }
    const names = [undefined, 'full', 'long', 'medium', 'short'];
    return {
      ...dateStyles[pick(options, 'dateStyle', names, method)],
      ...timeStyles[pick(options, 'timeStyle', names, method)],
    };
  }
  const fields = {};
  for (const name of [...dateFields, ...timeFields]) {
    fields[name] = pick(options, name, fieldValues[name], method);
  }
  const has = (names) => names.some((name) => fields[name] !== undefined);
  const needsDate = kind === 'date' ? !has(dateFields) : kind === 'any' && !has([...dateFields, ...timeFields]);
  const needsTime = kind === 'time' ? !has(timeFields) : kind === 'any' && !has([...dateFields, ...timeFields]);
  if (needsDate) Object.assign(fields, { year: 'numeric', month: 'numeric', day: 'numeric' });
  if (needsTime) Object.assign(fields, { hour: 'numeric', minute: 'numeric', second: 'numeric' });
  if (options.timeZoneName !== undefined) {
    fields.zone = pick(options, 'timeZoneName', ['short', 'long'], method);
  }
  return fields;
}

function checkTimeZone({ timeZone }, method) {
  if (timeZone !== undefined && !/^(utc|gmt|etc\/(utc|gmt|uct)|uct|zulu)$/i.test(timeZone)) {
    throw host.unavailable(`${method} with timeZone: '${timeZone}'`);
  }
}

/** What stands between date and time: 'at' after a month in full, a comma otherwise. */
function joinDateAndTime(date, time, { month, weekday, year, day }) {
  if (date === '' || time === '') return date + time;
  if (weekday && !month && !year && !day) return `${date} ${time}`;
  return `${date}${month === 'long' ? ' at ' : ', '}${time}`;
}

function formatMoment(date, locales, given, kind, method) {
  if (Number.isNaN(date.getTime())) return 'Invalid Date';
  const options = given === undefined ? {} : Object(given);
  requireEnglish(locales, method);
  requireKnown(options, knownDateOptions, method);
  checkTimeZone(options, method);
  const cycle = options.hour12 === undefined
    ? pick(options, 'hourCycle', ['h12', 'h11', 'h23', 'h24'], method)
    : options.hour12 ? 'h12' : 'h24';
  const fields = fieldsOf(options, kind, method);
  const hasDate = dateFields.some((name) => fields[name] !== undefined);
  const hasTime = timeFields.some((name) => fields[name] !== undefined);
  let time = hasTime ? formatTime(date, fields, cycle) : '';
  const day = hasDate ? formatDate(date, fields) : '';
  if (fields.zone === undefined) return joinDateAndTime(day, time, fields);
  const zone = fields.zone === 'long' ? 'Coordinated Universal Time' : 'UTC';
  if (!hasTime) return `${day}, ${zone}`;
  time += ` ${zone}`;
  return joinDateAndTime(day, time, fields);
}

const methods = [
  [Number.prototype, 'toLocaleString', Number.prototype.valueOf, 'Number.toLocaleString'],
  [BigInt.prototype, 'toLocaleString', BigInt.prototype.valueOf, 'BigInt.toLocaleString'],
].map(([target, name, valueOf, label]) => [target, { [name](locales, options) {
  return formatNumber(valueOf.call(this), locales, options, label);
} }[name]]);

for (const [name, kind] of [['toLocaleString', 'any'], ['toLocaleDateString', 'date'],
  ['toLocaleTimeString', 'time']]) {
  methods.push([Date.prototype, { [name](locales, options) {
    const date = new Date(Date.prototype.getTime.call(this));
    return formatMoment(date, locales, options, kind, `Date.${name}`);
  } }[name]]);
}

// The engine leaves out the name of the zone.
for (const name of ['toString', 'toTimeString']) {
  const original = Date.prototype[name];
  methods.push([Date.prototype, { [name]() {
    return original.call(this).replace(/GMT\+0000$/, 'GMT+0000 (Coordinated Universal Time)');
  } }[name]]);
}

/** Puts the methods in the place of those of the engine. */
function install() {
  for (const [target, method] of methods) {
    Object.defineProperty(method, 'length', { value: 0, configurable: true });
    Object.defineProperty(target, method.name, {
      value: method, writable: true, enumerable: false, configurable: true,
    });
  }
}

module.exports = { install };
