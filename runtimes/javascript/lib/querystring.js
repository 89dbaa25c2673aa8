// The module `querystring`.
'use strict';

const { codes } = require('internal/errors');
const { Buffer } = require('buffer');

/** Percent-encodes; what encodeURIComponent does, with Node's error. */
function escape(text) {
  const string = typeof text === 'string' ? text
    : typeof text === 'object' ? String(text) : `${text}`;
  try {
    return encodeURIComponent(string);
  } catch {
    throw codes.ERR_INVALID_URI();
  }
}

/** The bytes of percent-encoded text; what is no encoding stays. */
function unescapeBuffer(text) {
  const bytes = [];
  const source = Buffer.from(`${text}`);
  for (let i = 0; i < source.length; i++) {
    const hex = source[i] === 0x25 ? source.latin1Slice(i + 1, i + 3) : '';
    if (/^[0-9a-f]{2}$/i.test(hex)) {
      bytes.push(parseInt(hex, 16));
      i += 2;
    } else {
      bytes.push(source[i]);
    }
  }
  return Buffer.from(bytes);
}

function unescape(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return unescapeBuffer(text).toString();
  }
}

function toText(value) {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return `${value}`;
  return typeof value === 'bigint' || typeof value === 'boolean' ? `${value}` : '';
}

function stringify(object, separator, equals, options) {
  const [sep, eq] = [separator || '&', equals || '='];
  const encode = typeof options?.encodeURIComponent === 'function'
    ? options.encodeURIComponent : querystring.escape;
  if (object === null || typeof object !== 'object') return '';
  return Object.keys(object).flatMap((key) => {
    const name = encode(toText(key)) + eq;
    const value = object[key];
    return Array.isArray(value) ? value.map((one) => name + encode(toText(one)))
      : [name + encode(toText(value))];
  }).join(sep);
}

function decoderOf(options) {
  const decode = typeof options?.decodeURIComponent === 'function'
    ? options.decodeURIComponent : querystring.unescape;
  return (text) => {
    if (!text.includes('%') && decode === unescape) return text;
    try {
      return decode(text);
    } catch {
      return unescape(text);
    }
  };
}

function parse(text, separator, equals, options) {
  const result = Object.create(null);
  if (typeof text !== 'string' || text === '') return result;
  const [sep, eq] = [`${separator || '&'}`, `${equals || '='}`];
  const most = typeof options?.maxKeys === 'number' ? options.maxKeys : 1000;
  const decode = decoderOf(options);
  const parts = text.split(sep).filter((part) => part !== '');
  for (const part of most > 0 ? parts.slice(0, most) : parts) {
    const at = part.indexOf(eq);
    const plain = (piece) => decode(piece.replaceAll('+', ' '));
    const name = plain(at < 0 ? part : part.slice(0, at));
    const value = at < 0 ? '' : plain(part.slice(at + eq.length));
    if (!(name in result)) result[name] = value;
    else if (Array.isArray(result[name])) result[name].push(value);
    else result[name] = [result[name], value];
  }
  return result;
}

const querystring = module.exports = {
  unescapeBuffer, unescape, escape, stringify, encode: stringify, parse, decode: parse,
};
