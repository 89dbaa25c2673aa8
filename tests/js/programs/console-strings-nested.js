// Long and many-line strings inside objects and arrays.
function main() {
  console.log({ t: 'line one\nline two\nline three' });
  console.log(['a\nb', 'c']);
  console.log({ long: 'word '.repeat(30) });
  console.log({ a: 'first line is long enough to be broken into pieces\nsecond line is as well long enough for it\nend' });
  console.log(['x'.repeat(80)], ['y'.repeat(60), 'z'.repeat(20)]);
  console.log({ q: "it's", d: '"', b: '\'"', all: '\'"`', esc: '\\ \b \v \x01', uni: '\u200b\u00ad', lone: '\ud800' });
  console.log(new Map([['multi\nkey', 'v']]));
}
