// String.prototype.localeCompare: a compact approximation of the root collation of ICU.
//
// Compared are letters first (punctuation before digits before Latin letters before the other
// scripts, those by code point), then accents, then case, lower before upper. The options numeric,
// sensitivity, caseFirst and ignorePunctuation count. Left out: the order of Han characters by
// radical, contractions, and what single languages do otherwise; their tags are accepted.
'use strict';

const punctuation = '\t\n\v\f\r\x20_-,;:!?.\'"()[]{}@*/\\&#%`^+<=>|~$';
const markOrder = '\u0301\u0300\u0306\u0302\u030c\u030a\u0308\u030b\u0303\u0307\u0338\u0327\u0328\u0304';
const firstDigit = 60;
const firstLetter = 70;
const afterLatin = 100;

/** The primary weight of each ASCII character; 0 is ignored. */
const asciiWeights = new Uint8Array(128);
for (let i = 0; i < punctuation.length; i++) asciiWeights[punctuation.charCodeAt(i)] = i + 1;
for (let i = 0; i < 10; i++) asciiWeights[48 + i] = firstDigit + i;
for (let i = 0; i < 26; i++) asciiWeights[65 + i] = asciiWeights[97 + i] = firstLetter + i;

const isUpper = (code) => code >= 65 && code <= 90;
const isDigit = (weight) => weight >= firstDigit && weight < firstLetter;
const isAscii = (text) => !/[^\0-\x7f]/.test(text);
const sign = (a, b) => (a < b ? -1 : Number(a > b));

/** What is more than one letter, or a letter with a mark that Unicode does not take apart. */
const expansions = {
  __proto__: null,
  ß: 'ss\u0338', æ: 'ae\u0338', œ: 'oe\u0338', ø: 'o\u0338', đ: 'd\u0338', ð: 'd\u0338', ł: 'l\u0338',
  ħ: 'h\u0338', ŧ: 't\u0338', ſ: 's', Æ: 'AE\u0338', Œ: 'OE\u0338', Ø: 'O\u0338', Đ: 'D\u0338',
  Ł: 'L\u0338', Ħ: 'H\u0338',
};

/**
 * What the first characters that differ decide by their primary weights alone, the case of most
 * comparisons; 0 where that takes a closer look.
 */
function compareFirstDifference(a, b) {
  const length = Math.min(a.length, b.length);
  let i = 0;
  while (i < length && a.charCodeAt(i) === b.charCodeAt(i)) i++;
  if (i === length || a.charCodeAt(i + 1) >= 128 || b.charCodeAt(i + 1) >= 128) return 0;
  const left = asciiWeights[a.charCodeAt(i)];
  const right = asciiWeights[b.charCodeAt(i)];
  return left > 0 && right > 0 ? left - right : 0;
}

/** Compares strings of ASCII alone, without options. */
function compareAscii(a, b) {
  let i = 0;
  let j = 0;
  let byCase = 0;
  for (;;) {
    let left = 0;
    let right = 0;
    while (i < a.length && (left = asciiWeights[a.charCodeAt(i)]) === 0) i++;
    while (j < b.length && (right = asciiWeights[b.charCodeAt(j)]) === 0) j++;
    if (i >= a.length || j >= b.length) {
      if (i < a.length) return 1;
      return j < b.length ? -1 : byCase;
    }
    if (left !== right) return left < right ? -1 : 1;
    if (byCase === 0) byCase = Number(isUpper(a.charCodeAt(i))) - Number(isUpper(b.charCodeAt(j)));
    i++;
    j++;
  }
}

function primaryOf(char, code) {
  if (code < 128) return asciiWeights[code];
  if (/\p{L}/u.test(char)) {
    const lower = char.toLowerCase().codePointAt(0);
    return /\p{Script=Latin}/u.test(char) ? afterLatin - 1 + lower / 0x110000 : afterLatin + lower;
  }
  return /\p{Cc}|\p{Cf}/u.test(char) ? 0 : firstDigit - 1 + code / 0x110000;
}

function secondaryOf(code) {
  const known = markOrder.indexOf(String.fromCharCode(code));
  return known >= 0 ? 2 + known : 2 + code;
}

const decompose = (text) => text.replace(/[ßæœøđðłħŧſÆŒØĐŁĦ]/g, (char) => expansions[char])
  .normalize('NFKD');

/** The weights of a string, level by level. */
function weigh(text, numeric, ignorePunctuation) {
  const levels = [[], [], []];
  const trimmed = numeric ? text.replace(/(?<!\d)0+(?=\d)/g, '') : text;
  for (const char of isAscii(trimmed) ? trimmed : decompose(trimmed)) {
    const code = char.codePointAt(0);
    if (code >= 128 && /\p{M}/u.test(char)) {
      levels[1].push(secondaryOf(code));
      continue;
    }
    const primary = primaryOf(char, code);
    if (primary === 0 || (ignorePunctuation && primary < firstDigit)) continue;
    levels[0].push(primary);
    levels[1].push(1);
    levels[2].push(isUpper(code) || (code >= 128 && char !== char.toLowerCase()) ? 1 : 0);
  }
  if (numeric) levels[0] = joinDigits(levels[0]);
  return levels;
}

/** Each run of digits as one weight, between those of punctuation and of letters. */
function joinDigits(weights) {
  const joined = [];
  for (let i = 0; i < weights.length; i++) {
    if (!isDigit(weights[i])) {
      joined.push(weights[i]);
      continue;
    }
    let number = 0n;
    for (; isDigit(weights[i]); i++) number = number * 10n + BigInt(weights[i] - firstDigit);
    i--;
    joined.push(firstDigit + 9 * (1 - 1 / (1 + String(number).length)));
    joined.push(firstDigit + Number(number) / 10 ** String(number).length);
  }
  return joined;
}

function compareLists(a, b) {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    if (a[i] !== b[i]) return sign(a[i], b[i]);
  }
  return sign(a.length, b.length);
}

function compareBy(a, b, { numeric, sensitivity, caseFirst, ignorePunctuation }) {
  const left = weigh(a, numeric, ignorePunctuation);
  const right = weigh(b, numeric, ignorePunctuation);
  const primary = compareLists(left[0], right[0]);
  if (primary !== 0 || sensitivity === 'base') return primary;
  if (sensitivity !== 'case') {
    const accents = compareLists(left[1], right[1]);
    if (accents !== 0 || sensitivity === 'accent') return accents;
  }
  const byCase = compareLists(left[2], right[2]);
  return caseFirst === 'upper' ? -byCase : byCase;
}

function readOption(options, name, allowed, fallback) {
  const value = options[name];
  if (value === undefined) return fallback;
  if (allowed === undefined) return Boolean(value);
  if (allowed.includes(`${value}`)) return `${value}`;
  throw new RangeError(`Value ${value} out of range for String.prototype.localeCompare options property ${name}`);
}

function readOptions(options) {
  return {
    numeric: readOption(options, 'numeric', undefined, false),
    sensitivity: readOption(options, 'sensitivity', ['base', 'accent', 'case', 'variant'], 'variant'),
    caseFirst: readOption(options, 'caseFirst', ['upper', 'lower', 'false'], 'false'),
    ignorePunctuation: readOption(options, 'ignorePunctuation', undefined, false),
  };
}

const plain = readOptions({});
function localeCompare(that, locales = undefined, options = undefined) {
  if (this === undefined || this === null) {
    throw new TypeError('String.prototype.localeCompare called on null or undefined');
  }
  const a = `${this}`;
  const b = `${that}`;
  const settings = options === undefined ? plain : readOptions(options);
  if (typeof locales === 'string' && locales.includes('-u-')) {
    settings.numeric ||= /-kn(-true)?(-|$)/.test(locales);
  }
  if (a === b) return 0;
  if (settings === plain) {
    const decided = compareFirstDifference(a, b);
    if (decided !== 0) return decided < 0 ? -1 : 1;
    if (isAscii(a) && isAscii(b)) return compareAscii(a, b);
  }
  return compareBy(a, b, settings);
}

module.exports = { localeCompare };
