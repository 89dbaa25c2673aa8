// split with groups, limits and the empty pattern.
function main() {
  return {
    groups: 'a1b2c'.split(/(\d)/),
    limit: 'a,b,c,d'.split(',', 2),
    empty: 'añ😀'.split('').length,
    points: 'añ😀'.split(/(?:)/u),
    none: ''.split(','),
    spaces: '  a  b '.split(/\s+/),
    quoted: 'a "b c" d'.match(/"[^"]*"|\S+/g),
  };
}
