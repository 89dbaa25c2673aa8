// replace with a function, with special patterns, and replaceAll.
function main() {
  const title = (s) => s.replace(/\b(\w)(\w*)/g, (all, a, rest, at) => `${at}:${a.toUpperCase()}${rest.toLowerCase()}`);
  return {
    title: title('hELLO wORLD'),
    snake: 'parseHTTPResponse'.replace(/([a-z])([A-Z])|([A-Z])([A-Z][a-z])/g, '$1$3_$2$4').toLowerCase(),
    patterns: 'John Smith'.replace(/(\w+)\s(\w+)/, "$2, $1 [$&] {$`|$'} $$ $9 $0"),
    all: 'a.b.c'.replaceAll('.', '$&$&'),
    fn: 'x1y22'.replaceAll(/\d+/g, (d) => `<${d.length}>`),
    first: 'aaa'.replace('a', 'b'),
  };
}
