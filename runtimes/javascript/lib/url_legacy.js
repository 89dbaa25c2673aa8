// url.parse, url.format and url.resolve: the interface from before the WHATWG standard.
//
// Adapted from lib/url.js of Node.js v20.20.2 (MIT licence, see LICENSE-nodejs), with regular
// expressions in the place of its scanners.
'use strict';

const { codes, makeError, validateString } = require('internal/errors');
const { URL, domainToASCII, internals } = require('url');
const querystring = require('querystring');

function Url() {
  this.protocol = null;
  this.slashes = null;
  this.auth = null;
  this.host = null;
  this.port = null;
  this.hostname = null;
  this.hash = null;
  this.search = null;
  this.query = null;
  this.pathname = null;
  this.path = null;
  this.href = null;
}

const withColon = (...names) => new Set(names.flatMap((name) => [name, `${name}:`]));
const unsafeProtocol = withColon('javascript');
const hostlessProtocol = withColon('javascript');
const slashedProtocol = withColon('http', 'https', 'ftp', 'gopher', 'file', 'ws', 'wss');

const isIpv6Hostname = (name) => name.startsWith('[') && name.endsWith(']');
const hasForbidden = (name, ipv6) => (ipv6 ? /[\0\t\n\r #%/<>?@\\^|]/
  : /[\0\t\n\r #%/:<>?@[\\\]^|]/).test(name);

function invalidURL(input) {
  const error = makeError(TypeError, 'ERR_INVALID_URL', 'Invalid URL');
  error.input = input;
  return error;
}

/** Trims, and turns the backslashes before the query into slashes. */
function normalize(url) {
  const text = url.replace(/^[\0-\x20\xa0\ufeff]+|[\0-\x20\xa0\ufeff]+$/g, '');
  const end = text.search(/[?#]/);
  const head = end < 0 ? text : text.slice(0, end);
  return head.replaceAll('\\', '/') + text.slice(head.length);
}

/** How long the authority at the beginning of `rest` is, and where its last '@' is. */
function measureAuthority(rest) {
  const end = rest.search(/[#/?]/);
  const most = end < 0 ? rest.length : end;
  const at = rest.lastIndexOf('@', most - 1);
  const stop = rest.slice(at + 1, most).search(/[ "%';<>\\^`{|}]/);
  return [at, stop < 0 ? most : at + 1 + stop];
}

/** The host as far as its characters may be in one; the others go to the path. */
function splitHostname(url, rest) {
  const at = url.hostname.search(/[/\\#?:]/);
  if (at < 0) return rest;
  const tail = url.hostname.slice(at);
  url.hostname = url.hostname.slice(0, at);
  return `/${tail}${rest}`;
}

function parseAuthority(url, text, input) {
  const stop = text.search(/[#/?]/);
  const head = stop < 0 ? text : text.slice(0, stop);
  const cleaned = head.replace(/[\t\n\r]/g, '') + text.slice(head.length);
  const [at, end] = measureAuthority(cleaned);
  if (at >= 0) url.auth = decodeURIComponent(cleaned.slice(0, at));
  let rest = cleaned.slice(end);
  url.host = cleaned.slice(at + 1, end);
  url.parseHost();
  url.hostname ??= '';
  const ipv6 = isIpv6Hostname(url.hostname);
  if (!ipv6) rest = splitHostname(url, rest);
  url.hostname = url.hostname.length > 255 ? '' : url.hostname.toLowerCase();
  if (url.hostname !== '') {
    if (!ipv6 && /[^\0-\x7f]|xn--/.test(url.hostname)) url.hostname = domainToASCII(url.hostname);
    if (url.hostname === '' || hasForbidden(url.hostname, ipv6)) throw invalidURL(input);
  }
  url.host = url.hostname + (url.port ? `:${url.port}` : '');
  if (ipv6) {
    url.hostname = url.hostname.slice(1, -1);
    if (!rest.startsWith('/')) rest = `/${rest}`;
  }
  return rest;
}

const escapeRest = (rest) => rest.replace(/[\t\n\r "'<>\\^`{|}]/g,
  (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);

function parseRest(url, rest, parseQueryString) {
  const [, path, search, hash] = /^([^?#]*)(\?[^#]*)?(#[^]*)?$/.exec(rest);
  if (hash !== undefined) url.hash = hash;
  if (search !== undefined) {
    url.search = search;
    url.query = search.slice(1);
    if (parseQueryString) url.query = querystring.parse(url.query);
  } else if (parseQueryString) {
    url.query = Object.create(null);
  }
  if (path !== '') url.pathname = path;
  if (slashedProtocol.has(url.protocol) && url.hostname && !url.pathname) url.pathname = '/';
  if (url.pathname || url.search) url.path = (url.pathname || '') + (url.search || '');
}

Url.prototype.parse = function parse(input, parseQueryString, slashesDenoteHost) {
  validateString(input, 'url');
  let rest = normalize(input);
  const isSimple = !slashesDenoteHost && !/[#@]/.test(rest)
    && /^\/\/?(?!\/)[^?\s]*(\?[^\s]*)?$/.test(rest);
  if (isSimple) {
    parseRest(this, rest, parseQueryString);
    this.href = rest;
    return this;
  }
  const proto = /^[a-z0-9.+-]+:/i.exec(rest)?.[0];
  if (proto !== undefined) {
    this.protocol = proto.toLowerCase();
    rest = rest.slice(proto.length);
  }
  const hostless = hostlessProtocol.has(this.protocol);
  let slashes = false;
  if (slashesDenoteHost || proto !== undefined || /^\/\/[^@/]+@[^@/]+/.test(rest)) {
    slashes = rest.startsWith('//');
    if (slashes && !hostless) {
      rest = rest.slice(2);
      this.slashes = true;
    }
  }
  if (!hostless && (slashes || (proto !== undefined && !slashedProtocol.has(proto)))) {
    rest = parseAuthority(this, rest, input);
  }
  if (!unsafeProtocol.has(this.protocol)) rest = escapeRest(rest);
  parseRest(this, rest, parseQueryString);
  this.href = this.format();
  return this;
};

Url.prototype.parseHost = function parseHost() {
  const port = /:[0-9]*$/.exec(this.host)?.[0];
  if (port !== undefined && port !== ':') this.port = port.slice(1);
  const name = port === undefined ? this.host : this.host.slice(0, -port.length);
  if (name) this.hostname = name;
};

function hostOf(url) {
  const auth = url.auth ? `${encodeURIComponent(url.auth).replace(/%3A/gi, ':')}@` : '';
  if (url.host) return auth + url.host;
  if (!url.hostname) return '';
  const name = url.hostname.includes(':') && !isIpv6Hostname(url.hostname)
    ? `[${url.hostname}]` : url.hostname;
  return auth + name + (url.port ? `:${url.port}` : '');
}

const withPrefix = (text, prefix) => (text && !text.startsWith(prefix) ? prefix + text : text);

Url.prototype.format = function format() {
  const given = this.protocol || '';
  const protocol = given && !given.endsWith(':') ? `${given}:` : given;
  let pathname = (this.pathname || '').replaceAll('#', '%23').replaceAll('?', '%3F');
  let host = hostOf(this);
  const query = this.query !== null && typeof this.query === 'object'
    ? querystring.stringify(this.query) : '';
  const search = this.search || (query && `?${query}`) || '';
  if (this.slashes || slashedProtocol.has(protocol)) {
    if (this.slashes || host) {
      pathname = withPrefix(pathname, '/');
      host = `//${host}`;
    } else if (protocol.startsWith('file')) {
      host = '//';
    }
  }
  return protocol + host + pathname + withPrefix(search.replaceAll('#', '%23'), '?')
    + withPrefix(this.hash || '', '#');
};

Url.prototype.resolve = function resolve(relative) {
  return this.resolveObject(parse(relative, false, true)).format();
};

Url.prototype.resolveObject = function resolveObject(relative) {
  if (typeof relative === 'string') {
    const rel = new Url();
    rel.parse(relative, false, true);
    relative = rel;
  }

  const result = new Url();
  Object.assign(result, this);

  // Hash is always overridden, no matter what.
  // even href="" will remove it.
  result.hash = relative.hash;

  // If the relative url is empty, then there's nothing left to do here.
  if (relative.href === '') {
    result.href = result.format();
    return result;
  }

  // Hrefs like //foo/bar always cut to the protocol.
  if (relative.slashes && !relative.protocol) {
    // Take everything except the protocol from relative
    const relativeWithoutProtocol = Object.keys(relative).reduce((acc, key) => {
      if (key !== 'protocol') {
        acc[key] = relative[key];
      }
      return acc;
    }, {});
    Object.assign(result, relativeWithoutProtocol);

    // urlParse appends trailing / to urls like http://www.example.com
    if (slashedProtocol.has(result.protocol) &&
        result.hostname && !result.pathname) {
      result.path = result.pathname = '/';
    }

    result.href = result.format();
    return result;
  }

  if (relative.protocol && relative.protocol !== result.protocol) {
    // If it's a known url protocol, then changing
    // the protocol does weird things
    // first, if it's not file:, then we MUST have a host,
    // and if there was a path
    // to begin with, then we MUST have a path.
    // if it is file:, then the host is dropped,
    // because that's known to be hostless.
    // anything else is assumed to be absolute.
    if (!slashedProtocol.has(relative.protocol)) {
      Object.assign(result, relative);
      result.href = result.format();
      return result;
    }

    result.protocol = relative.protocol;
    if (!relative.host &&
        !/^file:?$/.test(relative.protocol) &&
        !hostlessProtocol.has(relative.protocol)) {
      const relPath = (relative.pathname || '').split('/');
      while (relPath.length && !(relative.host = relPath.shift()));
      if (!relative.host) relative.host = '';
      if (!relative.hostname) relative.hostname = '';
      if (relPath[0] !== '') relPath.unshift('');
      if (relPath.length < 2) relPath.unshift('');
      result.pathname = relPath.join('/');
    } else {
      result.pathname = relative.pathname;
    }
    result.search = relative.search;
    result.query = relative.query;
    result.host = relative.host || '';
    result.auth = relative.auth;
    result.hostname = relative.hostname || relative.host;
    result.port = relative.port;
    // To support http.request
    if (result.pathname || result.search) {
      const p = result.pathname || '';
      const s = result.search || '';
      result.path = p + s;
    }
    result.slashes = result.slashes || relative.slashes;
    result.href = result.format();
    return result;
  }

  const isSourceAbs = (result.pathname && result.pathname.charAt(0) === '/');
  const isRelAbs = (
    relative.host || (relative.pathname && relative.pathname.charAt(0) === '/')
  );
  let mustEndAbs = (isRelAbs || isSourceAbs ||
                    (result.host && relative.pathname));
  const removeAllDots = mustEndAbs;
  let srcPath = (result.pathname && result.pathname.split('/')) || [];
  const relPath = (relative.pathname && relative.pathname.split('/')) || [];
  const noLeadingSlashes = result.protocol &&
      !slashedProtocol.has(result.protocol);

  // If the url is a non-slashed url, then relative
  // links like ../.. should be able
  // to crawl up to the hostname, as well.  This is strange.
  // result.protocol has already been set by now.
  // Later on, put the first path part into the host field.
  if (noLeadingSlashes) {
    result.hostname = '';
    result.port = null;
    if (result.host) {
      if (srcPath[0] === '') srcPath[0] = result.host;
      else srcPath.unshift(result.host);
    }
    result.host = '';
    if (relative.protocol) {
      relative.hostname = null;
      relative.port = null;
      result.auth = null;
      if (relative.host) {
        if (relPath[0] === '') relPath[0] = relative.host;
        else relPath.unshift(relative.host);
      }
      relative.host = null;
    }
    mustEndAbs = mustEndAbs && (relPath[0] === '' || srcPath[0] === '');
  }

  if (isRelAbs) {
    // it's absolute.
    if (relative.host || relative.host === '') {
      if (result.host !== relative.host) result.auth = null;
      result.host = relative.host;
      result.port = relative.port;
    }
    if (relative.hostname || relative.hostname === '') {
      if (result.hostname !== relative.hostname) result.auth = null;
      result.hostname = relative.hostname;
    }
    result.search = relative.search;
    result.query = relative.query;
    srcPath = relPath;
    // Fall through to the dot-handling below.
  } else if (relPath.length) {
    // it's relative
    // throw away the existing file, and take the new path instead.
    if (!srcPath) srcPath = [];
    srcPath.pop();
    srcPath = srcPath.concat(relPath);
    result.search = relative.search;
    result.query = relative.query;
  } else if (relative.search !== null && relative.search !== undefined) {
    // Just pull out the search.
    // like href='?foo'.
    // Put this after the other two cases because it simplifies the booleans
    if (noLeadingSlashes) {
      result.hostname = result.host = srcPath.shift();
      // Occasionally the auth can get stuck only in host.
      // This especially happens in cases like
      // url.resolveObject('mailto:local1@domain1', 'local2@domain2')
      const authInHost =
        result.host && result.host.indexOf('@') > 0 && result.host.split('@');
      if (authInHost) {
        result.auth = authInHost.shift();
        result.host = result.hostname = authInHost.shift();
      }
    }
    result.search = relative.search;
    result.query = relative.query;
    // To support http.request
    if (result.pathname !== null || result.search !== null) {
      result.path = (result.pathname ? result.pathname : '') +
                    (result.search ? result.search : '');
    }
    result.href = result.format();
    return result;
  }

  if (!srcPath.length) {
    // No path at all. All other things were already handled above.
    result.pathname = null;
    // To support http.request
    if (result.search) {
      result.path = '/' + result.search;
    } else {
      result.path = null;
    }
    result.href = result.format();
    return result;
  }

  // If a url ENDs in . or .., then it must get a trailing slash.
  // however, if it ends in anything else non-slashy,
  // then it must NOT get a trailing slash.
  let last = srcPath.slice(-1)[0];
  const hasTrailingSlash = (
    ((result.host || relative.host || srcPath.length > 1) &&
    (last === '.' || last === '..')) || last === '');

  // Strip single dots, resolve double dots to parent dir
  // if the path tries to go above the root, `up` ends up > 0
  let up = 0;
  for (let i = srcPath.length - 1; i >= 0; i--) {
    last = srcPath[i];
    if (last === '.') {
      srcPath.splice(i, 1);
    } else if (last === '..') {
      srcPath.splice(i, 1);
      up++;
    } else if (up) {
      srcPath.splice(i, 1);
      up--;
    }
  }

  // If the path is allowed to go above the root, restore leading ..s
  if (!mustEndAbs && !removeAllDots) {
    while (up--) {
      srcPath.unshift('..');
    }
  }

  if (mustEndAbs && srcPath[0] !== '' &&
      (!srcPath[0] || srcPath[0].charAt(0) !== '/')) {
    srcPath.unshift('');
  }

  if (hasTrailingSlash && (srcPath.join('/').slice(-1) !== '/')) {
    srcPath.push('');
  }

  const isAbsolute = srcPath[0] === '' ||
      (srcPath[0] && srcPath[0].charAt(0) === '/');

  // put the host back
  if (noLeadingSlashes) {
    result.hostname =
      result.host = isAbsolute ? '' : srcPath.length ? srcPath.shift() : '';
    // Occasionally the auth can get stuck only in host.
    // This especially happens in cases like
    // url.resolveObject('mailto:local1@domain1', 'local2@domain2')
    const authInHost = result.host && result.host.indexOf('@') > 0 ?
      result.host.split('@') : false;
    if (authInHost) {
      result.auth = authInHost.shift();
      result.host = result.hostname = authInHost.shift();
    }
  }

  mustEndAbs = mustEndAbs || (result.host && srcPath.length);

  if (mustEndAbs && !isAbsolute) {
    srcPath.unshift('');
  }

  if (!srcPath.length) {
    result.pathname = null;
    result.path = null;
  } else {
    result.pathname = srcPath.join('/');
  }

  // To support request.http
  if (result.pathname !== null || result.search !== null) {
    result.path = (result.pathname ? result.pathname : '') +
                  (result.search ? result.search : '');
  }
  result.auth = relative.auth || result.auth;
  result.slashes = result.slashes || relative.slashes;
  result.href = result.format();
  return result;
};

function parse(url, parseQueryString, slashesDenoteHost) {
  return url instanceof Url ? url : new Url().parse(url, parseQueryString, slashesDenoteHost);
}

function format(urlObject, options) {
  if (typeof urlObject === 'string') return parse(urlObject).format();
  if (typeof urlObject !== 'object' || urlObject === null) {
    throw codes.ERR_INVALID_ARG_TYPE('urlObject', ['Object', 'string'], urlObject);
  }
  if (urlObject instanceof URL) return internals.formatURL(urlObject, options);
  return Url.prototype.format.call(urlObject);
}

const resolve = (source, relative) => parse(source, false, true).resolve(relative);
const resolveObject = (source, relative) => (source
  ? parse(source, false, true).resolveObject(relative) : relative);

Object.assign(require('url'), { Url, parse, resolve, resolveObject, format });
