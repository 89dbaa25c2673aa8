// Flags, lastIndex and what a global test leaves behind.
function main() {
  const re = /o/g;
  const seen = [];
  for (let i = 0; i < 4; i++) seen.push([re.test('foo'), re.lastIndex]);
  const all = /a/dgimsuy;
  return {
    seen, flags: all.flags, source: new RegExp('/\n').source, str: String(new RegExp('')),
    dotAll: /a.b/s.test('a\nb'), multi: 'x\ny'.match(/^\w$/gm), species: /x/[Symbol.matchAll] !== undefined,
    escape: 'a+b'.search(new RegExp('a+b'.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))),
  };
}
