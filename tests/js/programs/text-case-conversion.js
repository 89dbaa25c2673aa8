// camel, snake, kebab, title, constant case.
// args: {"names": ["someVariableName", "some-kebab-case", "SOME_CONSTANT", "XMLHttpRequest", "with spaces  here", "version2Beta"]}
const words = (s) => s.replace(/([a-z\d])([A-Z])/g, '$1 $2').replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2').split(/[\s_-]+/).map((w) => w.toLowerCase());
const cap = (w) => w[0].toUpperCase() + w.slice(1);
function main({ names }) {
  return names.map((n) => { const w = words(n); return { camel: w.map((x, i) => (i ? cap(x) : x)).join(''), snake: w.join('_'), kebab: w.join('-'), title: w.map(cap).join(' '), constant: w.join('_').toUpperCase() }; });
}
