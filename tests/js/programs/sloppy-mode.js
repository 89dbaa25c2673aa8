// Plain scripts are sloppy: undeclared names, this, arguments, with.
function main(a) {
  leaked = 5;
  const out = { leaked: globalThis.leaked, self: this === globalThis };
  arguments[0] = 'changed';
  out.aliased = a === 'changed';
  with ({ inside: 7 }) { out.inside = inside; }
  out.octal = 010;
  Object.freeze(out.list = [1]);
  out.list.length = 0;
  out.deleted = delete out.octal;
  return out;
}
