// Built-in modules with and without node:, cached and whole.
function main() {
  const names = ['assert', 'buffer', 'crypto', 'events', 'path', 'querystring', 'string_decoder', 'url', 'util', 'timers'];
  return { same: names.map((n) => require(n) === require(`node:${n}`)), kinds: names.map((n) => typeof require(n)), ids: [require('buffer').Buffer === Buffer, require('url').URLSearchParams === URLSearchParams, require('timers').setTimeout === setTimeout, require('process') === process, require('util').TextEncoder === TextEncoder], fn: typeof require, missing: (() => { try { require('node:nope'); } catch (e) { return e.code; } })() };
}
