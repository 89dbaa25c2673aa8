// A step of a sequence: takes what came, adds, passes on.
// args: {"lines": ["b", "a", "c"], "trace": ["split"]}
function main({ lines = [], trace = [], ...rest }) {
  if (!Array.isArray(lines)) return Promise.reject({ code: 'BAD_INPUT', at: 'sort' });
  return { ...rest, lines: lines.slice().sort(), count: lines.length, trace: trace.concat('sort') };
}
