// The errors that Node.js raises itself: a `code`, and the code in the first line of the stack.
//
// Gives error makers by code (`codes.ERR_X(...)` returns the error) and the argument checks of
// Node's internal validators. Only the codes that this library raises are here.
'use strict';

const inspect = (value, options) => require('internal/inspect').inspect(value, options);

/**
 * An error of class `Base` with Node's `code`; the stack starts with `Name [CODE]: message`, or
 * with `Name: message` for those that Node raises in C++ (`plainStack`).
 */
function makeError(Base, code, message, { plainStack = false } = {}) {
  const error = new Base(message);
  if (plainStack) {
    error.code = code;
    return error;
  }
  Object.defineProperties(error, {
    code: { value: code, writable: true, enumerable: true, configurable: true },
    toString: {
      value() { return `${this.name} [${code}]: ${this.message}`; },
      writable: true, enumerable: false, configurable: true,
    },
  });
  const { stack } = error;
  const plain = `${error.name}: ${message}`;
  if (typeof stack === 'string' && stack.startsWith(plain)) {
    Object.defineProperty(error, 'stack', {
      value: `${error.name} [${code}]: ${message}${stack.slice(plain.length)}`,
      writable: true, enumerable: false, configurable: true,
    });
  }
  return error;
}

const primitiveTypes = new Set([
  'string', 'function', 'number', 'object', 'Function', 'Object', 'boolean', 'bigint', 'symbol',
]);

function formatList(list, word) {
  if (list.length === 1) return `${list[0]}`;
  if (list.length === 2) return `${list[0]} ${word} ${list[1]}`;
  return `${list.slice(0, -1).join(', ')}, ${word} ${list.at(-1)}`;
}

/** What Node says after 'Received' of an argument of the wrong type. */
function describe(value) {
  if (value == null) return `${value}`;
  switch (typeof value) {
    case 'bigint':
      return `type bigint (${value}n)`;
    case 'number':
      return `type number (${Object.is(value, -0) ? '-0' : value})`;
    case 'boolean':
    case 'symbol':
      return `type ${typeof value} (${String(value)})`;
    case 'function':
      return `function ${value.name}`;
    case 'object':
      if (value.constructor && 'name' in value.constructor) {
        return `an instance of ${value.constructor.name}`;
      }
      return inspect(value, { depth: -1 });
    default: {
      const shown = value.length > 28 ? `${value.slice(0, 25)}...` : value;
      return `type string (${shown.includes("'") ? JSON.stringify(shown) : `'${shown}'`})`;
    }
  }
}

/** 'of type string or an instance of Buffer', the way Node orders the alternatives. */
function describeExpected(expected) {
  const plain = [];
  const instances = [];
  const other = [];
  for (const name of expected) {
    if (primitiveTypes.has(name)) plain.push(name.toLowerCase());
    else if (/^([A-Z][a-z0-9]*)+$/.test(name)) instances.push(name);
    else other.push(name);
  }
  if (instances.length > 0 && plain.includes('object')) {
    plain.splice(plain.indexOf('object'), 1);
    instances.push('Object');
  }
  const parts = [];
  if (plain.length > 0) {
    parts.push(`${plain.length > 1 ? 'one of type' : 'of type'} ${formatList(plain, 'or')}`);
  }
  if (instances.length > 0) parts.push(`an instance of ${formatList(instances, 'or')}`);
  if (other.length > 1) parts.push(`one of ${formatList(other, 'or')}`);
  else if (other.length === 1) {
    parts.push(`${other[0].toLowerCase() !== other[0] ? 'an ' : ''}${other[0]}`);
  }
  return parts.join(' or ');
}

function withNumericalSeparator(digits) {
  return digits.replace(/\B(?=(\d{3})+$)/g, '_');
}

function describeNumber(input) {
  if (Number.isInteger(input) && Math.abs(input) > 2 ** 32) {
    return withNumericalSeparator(String(input));
  }
  if (typeof input === 'bigint') {
    const large = input > 2n ** 32n || input < -(2n ** 32n);
    return `${large ? withNumericalSeparator(String(input)) : input}n`;
  }
  return inspect(input);
}

const kindOf = (name) => (name.includes('.') ? 'property' : 'argument');

const codes = {
  ERR_INVALID_ARG_TYPE(name, expected, actual) {
    const list = Array.isArray(expected) ? expected : [expected];
    const subject = name.endsWith(' argument') ? name : `"${name}" ${kindOf(name)}`;
    return makeError(TypeError, 'ERR_INVALID_ARG_TYPE',
      `The ${subject} must be ${describeExpected(list)}. Received ${describe(actual)}`);
  },
  ERR_INVALID_ARG_VALUE(name, value, reason = 'is invalid', Base = TypeError) {
    let shown = inspect(value);
    if (shown.length > 128) shown = `${shown.slice(0, 128)}...`;
    return makeError(Base, 'ERR_INVALID_ARG_VALUE',
      `The ${kindOf(name)} '${name}' ${reason}. Received ${shown}`);
  },
  ERR_OUT_OF_RANGE(name, range, input) {
    return makeError(RangeError, 'ERR_OUT_OF_RANGE',
      `The value of "${name}" is out of range. It must be ${range}. ` +
      `Received ${describeNumber(input)}`);
  },
  ERR_BUFFER_OUT_OF_BOUNDS(name) {
    return makeError(RangeError, 'ERR_BUFFER_OUT_OF_BOUNDS', name
      ? `"${name}" is outside of buffer bounds`
      : 'Attempt to access memory outside buffer bounds');
  },
  ERR_INVALID_BUFFER_SIZE(size) {
    return makeError(RangeError, 'ERR_INVALID_BUFFER_SIZE',
      `Buffer size must be a multiple of ${size}`);
  },
  ERR_UNKNOWN_ENCODING(encoding) {
    return makeError(TypeError, 'ERR_UNKNOWN_ENCODING', `Unknown encoding: ${encoding}`);
  },
  ERR_MISSING_ARGS(...names) {
    const quoted = names.map((name) => (Array.isArray(name)
      ? name.map((one) => `"${one}"`).join(' or ') : `"${name}"`));
    const list = quoted.length === 1 ? `${quoted[0]} argument`
      : `${quoted.length === 2 ? quoted.join(' and ')
        : `${quoted.slice(0, -1).join(', ')}, and ${quoted.at(-1)}`} arguments`;
    return makeError(TypeError, 'ERR_MISSING_ARGS', `The ${list} must be specified`);
  },
  ERR_INVALID_THIS(type) {
    return makeError(TypeError, 'ERR_INVALID_THIS', `Value of "this" must be of type ${type}`);
  },
};

/** Adds makers for codes with a fixed message: `make(...args)` fills the template. */
function define(code, Base, template) {
  codes[code] = (...args) => makeError(Base, code, template(...args));
}

define('ERR_INVALID_RETURN_VALUE', TypeError, (input, name, value) => {
  const type = value?.constructor?.name
    ? `an instance of ${value.constructor.name}` : `type ${typeof value}`;
  return `Expected ${input} to be returned from the "${name}" function but got ${type}.`;
});
define('ERR_INVALID_URI', URIError, () => 'URI malformed');
define('ERR_PARSE_ARGS_INVALID_OPTION_VALUE', TypeError, (text) => text);
define('ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL', TypeError, (text) => `Unexpected argument '${text}'. `
  + 'This command does not take positional arguments');
define('ERR_PARSE_ARGS_UNKNOWN_OPTION', TypeError, (option, allowPositionals) => {
  const hint = ". To specify a positional argument starting with a '-', place it at the end of the "
    + `command after '--', as in '-- ${JSON.stringify(option)}`;
  return `Unknown option '${option}'${allowPositionals ? hint : ''}`;
});
define('ERR_INVALID_OBJECT_DEFINE_PROPERTY', TypeError, (text) => text);
define('ERR_AMBIGUOUS_ARGUMENT', TypeError,
  (name, reason) => `The "${name}" argument is ambiguous. ${reason}`);
define('ERR_INVALID_TUPLE', TypeError, (name, expected) => `${name} must be an iterable ${expected} tuple`);
define('ERR_ARG_NOT_ITERABLE', TypeError, (name) => `${name} must be iterable`);
define('ERR_INVALID_URL_SCHEME', TypeError, (scheme) => `The URL must be of scheme ${scheme}`);
define('ERR_INVALID_FILE_URL_HOST', TypeError,
  () => 'File URL host must be "localhost" or empty on linux');
define('ERR_INVALID_FILE_URL_PATH', TypeError, (text) => `File URL path ${text}`);
define('ERR_ENCODING_NOT_SUPPORTED', RangeError,
  (label) => `The "${label}" encoding is not supported`);
define('ERR_ENCODING_INVALID_ENCODED_DATA', TypeError,
  (encoding) => `The encoded data was not valid for encoding ${encoding}`);
define('ERR_FALSY_VALUE_REJECTION', Error, () => 'Promise was rejected with falsy value');
define('ERR_CRYPTO_INVALID_DIGEST', TypeError, (name) => `Invalid digest: ${name}`);
define('ERR_CRYPTO_HASH_FINALIZED', Error, () => 'Digest already called');
define('ERR_CRYPTO_HASH_UPDATE_FAILED', Error, () => 'Hash update failed');
define('ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH', RangeError,
  () => 'Input buffers must have the same byte length');
define('ERR_UNKNOWN_SIGNAL', TypeError, (signal) => `Unknown signal: ${signal}`);
define('ERR_EVENT_RECURSION', Error, (type) => `The event "${type}" is already being dispatched`);
define('ERR_CONSTRUCT_CALL_REQUIRED', TypeError,
  (name) => `Class constructor ${name} cannot be invoked without \`new\``);

/** Node's AbortError: an Error named so, not a DOMException. */
function makeAbortError(message = 'The operation was aborted', options) {
  const error = new Error(message, options);
  error.code = 'ABORT_ERR';
  Object.defineProperty(error, 'name', {
    value: 'AbortError', writable: true, enumerable: false, configurable: true,
  });
  return error;
}

function checker(type, Type = type) {
  return (value, name) => {
    if (typeof value !== type) throw codes.ERR_INVALID_ARG_TYPE(name, Type, value);
  };
}
const validateString = checker('string');
const validateBoolean = checker('boolean');
const validateFunction = checker('function', 'Function');

function validateObject(value, name, allowArray = false) {
  if (value === null || typeof value !== 'object' || (!allowArray && Array.isArray(value))) {
    throw codes.ERR_INVALID_ARG_TYPE(name, 'Object', value);
  }
}

function validateInteger(value, name, min = Number.MIN_SAFE_INTEGER,
  max = Number.MAX_SAFE_INTEGER) {
  if (typeof value !== 'number') throw codes.ERR_INVALID_ARG_TYPE(name, 'number', value);
  if (!Number.isInteger(value)) throw codes.ERR_OUT_OF_RANGE(name, 'an integer', value);
  if (value < min || value > max) {
    throw codes.ERR_OUT_OF_RANGE(name, `>= ${min} && <= ${max}`, value);
  }
}

function validateNumber(value, name, min, max) {
  if (typeof value !== 'number') throw codes.ERR_INVALID_ARG_TYPE(name, 'number', value);
  const bounded = min !== undefined || max !== undefined;
  if (value < min || value > max || (bounded && Number.isNaN(value))) {
    const lower = min !== undefined ? `>= ${min}` : '';
    const upper = max !== undefined ? `<= ${max}` : '';
    throw codes.ERR_OUT_OF_RANGE(name, [lower, upper].filter(Boolean).join(' && '), value);
  }
}

function validateOneOf(value, name, allowed) {
  if (allowed.includes(value)) return;
  const list = allowed.map((one) => (typeof one === 'string' ? `'${one}'` : String(one)));
  throw codes.ERR_INVALID_ARG_VALUE(name, value, `must be one of: ${list.join(', ')}`);
}

function validateAbortSignal(signal, name) {
  const isSignal = signal !== null && typeof signal === 'object' && 'aborted' in signal;
  if (signal !== undefined && !isSignal) {
    throw codes.ERR_INVALID_ARG_TYPE(name, 'AbortSignal', signal);
  }
}

module.exports = {
  codes, makeError, makeAbortError, describe, validateAbortSignal, validateBoolean,
  validateFunction, validateInteger, validateNumber, validateObject, validateOneOf,
  validateString,
};
