// How URL and URLSearchParams look in the log.
function main() {
  const u = new URL('https://example.com:8080/p?q=1#h');
  console.log(u);
  console.log([new URLSearchParams('a=1&b=2')], new URLSearchParams());
  console.log('%s', u);
  return { tag: Object.prototype.toString.call(u), keys: Object.keys(u) };
}
